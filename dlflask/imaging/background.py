"""Estimation of the paper's brightness, despite uneven light, shadows or a visible table.

The paper is estimated on a coarse copy of the image, in the colour channel with the strongest ink.
The table is the surface under the paper in a photo.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from dlflask.imaging.morphology.blobs import find_blobs
from dlflask.imaging.morphology.growth import grow
from dlflask.imaging.morphology.running import running_maximum, running_minimum
from dlflask.imaging.resize import Plane, resize

#: Maximum height and width of the coarse copy, in pixels. Its strokes are 1 to 4 pixels wide.
COARSE_SIDE = 32

#: Side of a square in pixels of the coarse copy. Strokes are too narrow to contain such a square,
#: so a dark region that contains it is a shadow or the table.
WIDE_SIDE = 15

#: Maximum width of a stroke that `_uneven_paper` can distinguish from a change of light, in pixels
#: of the coarse copy.
REACH = 9

#: Maximum part of the image, and maximum part of its border, that a tightly cropped digit covers. A
#: shadow or the table covers more of the image or of the border.
MAX_EVEN_SHARE = 0.5

#: Maximum mean deviation of evenly lit paper from the surface that `_fit_light` returns, divided by
#: the mean deviation of the ink.
MAX_UNEVENNESS = 0.08

#: Minimum contrast of the table with the paper, divided by the maximum contrast in the image.
MIN_TABLE_CONTRAST = 0.4

#: Maximum part of the image's border that strokes cover. The table covers more.
MAX_CONTACT = 0.08

#: Minimum contrast of the writing that the table surrounds, divided by the maximum contrast in the
#: image. With less contrast, the supposed table is bold writing.
MIN_INSIDE = 0.15

#: Minimum contrast of ink with the paper, in grey levels.
MIN_CONTRAST = 12.0


class _EvenPaper(NamedTuple):
    """Evenly lit paper.

    Attributes:
        levels: (height, width) grey levels of the paper.
        is_dark: True if the paper is darker than the ink.
    """

    levels: Plane
    is_dark: bool


def measure_distance(planes: NDArray[np.uint8], coarse_side: int = COARSE_SIDE) -> Plane:
    """Return the difference of each pixel from the paper around it.

    The difference is positive for ink: ink is darker than light paper and brighter than dark paper.

    Args:
        planes: (channels, height, width) uint8.
        coarse_side: Maximum height and width of the coarse copy, in pixels.

    Returns:
        (height, width) float32 in grey levels: about 0 on paper, up to 255 in ink.
    """
    height, width = planes.shape[1:]
    scale = min(1.0, coarse_side / max(height, width))
    colours = planes.astype(np.float32)
    coarse = resize(colours, max(1, round(height * scale)), max(1, round(width * scale)))
    # Comparing the channels takes a third of the time of this function, so compare only if needed.
    channel, is_dark = _find_clearest_channel(coarse) if len(coarse) > 1 else (0, None)
    small = coarse[channel]
    even = _find_even_paper(small)
    if even is not None:
        is_dark = even.is_dark
    elif is_dark is None:
        _, is_dark = _find_clearest_channel(coarse)
    # Invert an image with dark paper. From here on, the paper is light and the ink is dark.
    sign = -1 if is_dark else 1
    small = sign * small
    paper = _uneven_paper(small) if even is None else sign * even.levels
    distance: Plane = resize(paper, height, width) - sign * colours[channel]
    table = _find_table(paper - small)
    if table is not None:
        distance[resize(table, height, width) > 0] = 0
    return distance


def _find_clearest_channel(coarse: Plane) -> tuple[int, bool]:
    """Return the channel with the strongest strokes, and True if the strokes are bright."""
    # Compare the channels only in the middle, because the edge of a photo may show the table.
    height, width = coarse.shape[1:]
    margin = min(height, width) // 8
    middle = np.s_[:, margin : height - margin, margin : width - margin]
    residual = (coarse - _median(coarse))[middle]
    # Sum the cubes of the residuals. Ink (few large residuals) then has a larger sum than uneven
    # light (many small residuals).
    dark = -(residual.clip(max=0) ** 3).sum(axis=(1, 2))
    bright = (residual.clip(min=0) ** 3).sum(axis=(1, 2))
    channel = int(np.maximum(dark, bright).argmax())
    return channel, bool(dark[channel] < bright[channel])


def _median(planes: Plane) -> Plane:
    """Remove the strokes by a running median over 2/3 of the height, then over 2/3 of the width."""
    for axis in (1, 2):
        length = planes.shape[axis]
        reach = max(1, length // 3)
        mirrored = np.abs(np.arange(-reach, length + reach))
        mirrored = np.minimum(mirrored, 2 * (length - 1) - mirrored).clip(0)
        windows = sliding_window_view(planes.take(mirrored, axis), 2 * reach + 1, axis=axis)
        planes = np.partition(windows, reach, axis=-1)[..., reach]
    return planes


def _find_even_paper(small: Plane) -> _EvenPaper | None:
    """Separate paper and ink by one threshold, or return None if the light is too uneven.

    Source: Otsu, A Threshold Selection Method from Gray-Level Histograms, 1979.
    """
    levels = np.sort(small, axis=None)
    count = np.arange(1, len(levels))
    total = levels.cumsum(dtype=np.float64)
    # Variance between the darker and the lighter pixels, for each threshold.
    between = (total[:-1] - count * total[-1] / len(levels)) ** 2 / (count * (len(levels) - count))
    mask = small <= levels[between.argmax()]
    if mask.all():
        return None
    area, border = mask.mean(), border_share(mask)
    # The paper usually covers more of the image and of its border than the ink.
    is_dark = bool(area + border > 1)
    if is_dark:
        mask, area, border = ~mask, 1 - area, 1 - border
    is_wide = running_minimum(running_minimum(mask, WIDE_SIDE, 0), WIDE_SIDE, 1).any()
    if is_wide or max(area, border) > MAX_EVEN_SHARE:
        return None
    paper = _fit_light(small, ~mask)
    deviation = np.abs(small - paper)
    if deviation[~mask].mean() > MAX_UNEVENNESS * deviation[mask].mean():
        return None
    return _EvenPaper(paper, is_dark)


def border_share(mask: NDArray[np.bool_]) -> float:
    """Return the part of the image's border that `mask` covers, 0..1."""
    # `count_nonzero` takes a quarter of the time of `mean`.
    count = np.count_nonzero
    height, width = mask.shape
    rows = count(mask[0]) + count(mask[-1])
    columns = count(mask[:, 0]) + count(mask[:, -1])
    return (rows / width + columns / height) / 4


def _uneven_paper(small: Plane) -> Plane:
    """Estimate the paper by a grey closing, which removes dark strokes at most `REACH` wide."""
    # Continue the slope of the light beyond the edges. Otherwise the edges would look like ink.
    padded = np.pad(small, REACH, mode="reflect", reflect_type="odd")
    dilated = running_maximum(running_maximum(padded, REACH, 0), REACH, 1)
    closed = running_minimum(running_minimum(dilated, REACH, 0), REACH, 1)
    # Along the edge of a shadow, use the darker side. Otherwise this edge would look like ink.
    return running_minimum(running_minimum(closed, 3, 0), 3, 1)[REACH:-REACH, REACH:-REACH]


def _fit_light(small: Plane, where: NDArray[np.bool_]) -> Plane:
    """Fit a quadratic surface, similar to the light of one lamp, to the pixels `where`."""
    y, x = np.indices(small.shape, np.float32) / np.float32(COARSE_SIDE)
    terms = np.stack([np.ones_like(x), y, x, y * y, x * y, x * x], axis=-1)
    known = terms[where]
    # Solve the 6 x 6 normal equations. This is much faster than to solve one equation per pixel.
    fit = np.linalg.lstsq(known.T @ known, known.T @ small[where], rcond=None)[0]
    surface: Plane = terms @ fit
    return surface


def _find_table(distance: Plane) -> Plane | None:
    """Return 1 on the dark table around the paper and 0 elsewhere, or None if there is no table."""
    mask = distance > MIN_TABLE_CONTRAST * distance.max()
    border = _along_border(mask)
    max_contact = MAX_CONTACT * len(border)
    if np.count_nonzero(border) <= max_contact:
        return None
    # Growing the light pixels removes strokes and lines, even at the border of the image. The table
    # stays, because it is wide and because there are no light pixels beyond the border.
    wide = ~grow(~mask)
    blobs = find_blobs(grow(wide) & mask, corners=False)
    blob_numbers = blobs.paint()
    contact = np.bincount(_along_border(blob_numbers), minlength=blobs.number + 1)
    contact[0] = 0
    table_numbers = np.flatnonzero(contact > max_contact)
    if not len(table_numbers):
        return None
    table = grow(np.isin(blob_numbers, table_numbers), corners=False)
    inside = np.where(grow(table, corners=False), 0, distance)
    if inside.max() < max(MIN_CONTRAST, MIN_INSIDE * distance.max()):
        return None
    plane: Plane = table.astype(np.float32)
    return plane


def _along_border(plane: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([plane[0], plane[-1], plane[1:-1, 0], plane[1:-1, -1]])
