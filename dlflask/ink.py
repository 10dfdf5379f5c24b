"""Pixels in, ink out: where a pen touched the paper, whatever the colours, the light, the polarity.

Ink is what differs from the paper around it, in the colour channel that shows it best, so a blue
pen, chalk on a board and white on black all come out as ink = 1 on paper = 0.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import ndimage

from dlflask.errors import BlankImage
from dlflask.resample import resize

Ink = NDArray[np.float32]
Plane = NDArray[np.float32]
Pixels = NDArray[np.uint8]

#: Below this difference from the paper, of 255, a picture shows noise and no ink.
MIN_CONTRAST = 12.0

#: A drawing on a screen has one colour of paper: so much of its paper is exactly that colour.
PLAIN_SHARE = 0.6

#: The light is measured on a picture of this longest side, on which strokes are 1 to 4 pixels.
COARSE_SIDE = 32

#: Ink of less than so many standard deviations of the paper's noise is smoothed first.
SMOOTH_BELOW = 12

#: Widest stroke, in pixels of that picture, that is told from a change of light.
REACH = 9

#: What is darker than the paper is ink if it covers little of the picture and of its border; half
#: a picture in shadow covers 0.5 + 0.5.
MAX_EVEN_SHARE = 0.85

#: Paper is evenly lit if it strays from one slope by less than this part of the ink's contrast.
MAX_UNEVENNESS = 0.08

#: Ink that lies along more than this part of the border is the table around the paper.
MAX_CONTACT = 0.08


def extract_ink(pixels: Pixels) -> Ink:
    """Measure how far each pixel is from the paper.

    Args:
        pixels: (height, width) or (3, height, width) uint8.

    Returns:
        (height, width) float32 in 0..1, ink = 1, paper = 0. Where the paper is one even black or
        white, ink is the plain distance / 255, so that a picture made of ink values comes out
        with those values.

    Raises:
        BlankImage: Nothing differs from the paper.
    """
    if pixels.ndim == 2:
        plain = _plain_ink(pixels)
        if plain is not None:
            return plain
        pixels = pixels[None]
    return _photographed_ink(pixels)


def _plain_ink(plane: Pixels) -> Ink | None:
    """Ink on paper of one exact grey; None where the paper is not so even."""
    counts = np.bincount(plane.ravel(), minlength=256)
    paper = int(counts.argmax())
    other = 0 if paper > 127 else 255
    if counts[paper] == plane.size:
        raise BlankImage(BLANK)
    if _share(plane > 127 if paper <= 127 else plane <= 127) > 1:
        split = (paper + other) // 2
        paper = int(counts[:split].argmax()) if other == 0 else split + int(counts[split:].argmax())
    far = np.flatnonzero(counts)
    peak = max(far[-1] - paper, paper - far[0])
    near = counts[max(0, paper - peak // 5) : paper + peak // 5 + 1].sum()
    if counts[paper] < PLAIN_SHARE * near:
        return None
    if peak < MIN_CONTRAST:
        raise BlankImage(BLANK)
    distance = plane.astype(np.float32)
    if paper:
        distance = np.abs(np.float32(paper) - distance)
    return distance / np.float32(255 if peak >= 250 else peak)


BLANK = (
    "The picture is one even surface. Write one digit with a dark pen on light paper, or "
    "the other way round, and send it again."
)


def _photographed_ink(planes: Pixels) -> Ink:
    colours = planes.astype(np.float32)
    height, width = colours.shape[1:]
    scale = min(1.0, COARSE_SIDE / max(height, width))
    coarse = resize(colours, max(1, round(height * scale)), max(1, round(width * scale)))
    residual = coarse - _median(coarse)
    dark, bright = (residual.clip(max=0) ** 3).sum((1, 2)), (residual.clip(min=0) ** 3).sum((1, 2))
    channel = int(np.maximum(-dark, bright).argmax())
    plane, small = colours[channel], coarse[channel]
    is_dark, even = _even_paper(small)
    if even is None:
        is_dark = bool(-dark[channel] < bright[channel])
    if is_dark:  # From here on the paper is light and the ink dark.
        plane, small = -plane, -small
    paper = _uneven_paper(small) if even is None else (-even if is_dark else even)
    distance = resize(paper, height, width) - plane
    edge = _photo_edge(paper - small)
    if edge is not None:
        distance[resize(edge, height, width) > 0.05] = 0
    return _scale(distance)


def _even_paper(small: Plane) -> tuple[bool, Plane | None]:
    """Whether the paper is dark, and its grey as a slope across the picture; None if uneven.

    Source: Otsu, A Threshold Selection Method from Gray-Level Histograms, 1979.
    """
    levels = np.sort(small, axis=None)
    count = np.arange(1, len(levels))
    total = levels.cumsum(dtype=np.float64)
    between = (total[:-1] - count * total[-1] / len(levels)) ** 2 / (count * (len(levels) - count))
    split = levels[between.argmax()]
    mask = small <= split
    share = _share(mask)
    is_dark = share > 1
    if is_dark:
        mask, share = ~mask, 2 - share
    if share > MAX_EVEN_SHARE:
        return is_dark, None
    y, x = np.indices(small.shape, np.float32)
    slope = np.stack([np.ones_like(x), y, x], axis=-1)
    fit = np.linalg.lstsq(slope[~mask], small[~mask], rcond=None)[0]
    paper = slope @ fit
    off = np.abs(small - paper)
    if off[~mask].mean() > MAX_UNEVENNESS * off[mask].mean():
        return is_dark, None
    return is_dark, paper


def _share(mask: NDArray[np.bool_]) -> float:
    """The part of the picture that `mask` covers, and the part of the border: 0..2."""
    border = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
    return float(mask.mean() + sum(edge.mean() for edge in border) / 4)


def _uneven_paper(small: Plane) -> Plane:
    """The paper under and around dark ink, by closing strokes of up to a quarter of the picture."""
    # Light that falls off towards an edge goes on beyond it, else the edge would look inked.
    padded = np.pad(small, REACH, mode="reflect", reflect_type="odd")
    closed = ndimage.grey_closing(padded, REACH)
    smooth: Plane = ndimage.uniform_filter(closed, 3)
    return smooth[REACH:-REACH, REACH:-REACH]


def _photo_edge(distance: Plane) -> Plane | None:
    """Where something dark lies along the edges around a drawing: 1, else 0."""
    blobs, num_blobs = ndimage.label(distance > 0.4 * distance.max())
    edges = np.concatenate([blobs[0], blobs[-1], blobs[1:-1, 0], blobs[1:-1, -1]])
    contact = np.bincount(edges, minlength=num_blobs + 1)
    contact[0] = 0
    dark = np.flatnonzero(contact > MAX_CONTACT * len(edges))
    if not len(dark):
        return None
    edge = np.isin(blobs, dark)
    inside = np.where(ndimage.binary_dilation(edge, iterations=2), 0, distance)
    if inside.max() < max(MIN_CONTRAST, 0.15 * distance.max()):
        return None
    return ndimage.binary_dilation(edge).astype(np.float32)


def _median(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median along rows, then columns, over 2/3 of the picture: what is left is the light."""
    for axis in (1, 2):
        length = planes.shape[axis]
        reach = max(1, length // 3)
        mirrored = np.abs(np.arange(-reach, length + reach))
        mirrored = np.minimum(mirrored, 2 * (length - 1) - mirrored).clip(0)
        windows = sliding_window_view(planes.take(mirrored, axis), 2 * reach + 1, axis=axis)
        planes = np.partition(windows, reach, axis=-1)[..., reach]
    return planes


def _scale(distance: NDArray[np.float32]) -> Ink:
    """Stretch so that the darkest ink is 1 and the noise of the paper is 0."""
    peak, middle, noise = _levels(distance)
    if peak - middle < SMOOTH_BELOW * noise:
        distance = ndimage.uniform_filter(distance, 3)
        peak, middle, noise = _levels(distance)
    low = middle + 1.5 * noise
    if peak - middle < max(MIN_CONTRAST, 3.5 * noise):
        raise BlankImage(BLANK)
    ink: Ink = np.clip((distance - low) / (peak - low), 0, 1).astype(np.float32)
    return ink


def _levels(distance: Plane) -> tuple[int, int, int]:
    """The level of the ink, of the paper, and one standard deviation of the paper's noise."""
    levels = np.bincount(np.clip(distance + 64, 0, 255).astype(np.uint8).ravel(), minlength=256)
    above = distance.size - levels.cumsum()
    peak = int(np.searchsorted(-above, -max(12, distance.size // 1000)))
    # Paper is what lies in the lower half between the lightest level and the ink.
    paper = levels[: (int(levels.argmax()) + peak) // 2 + 1].cumsum()
    middle = int(np.searchsorted(paper, 0.5 * paper[-1]))
    noise = middle - int(np.searchsorted(paper, 0.16 * paper[-1]))
    return peak - 64, middle - 64, noise
