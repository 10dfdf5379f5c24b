"""Ink extraction: separate dark or bright ink from paper of any colour, in any light.

The ink of a pixel is its difference from the paper around it, in the colour channel with the
strongest contrast. Blue pen, chalk on a board and white on black all become ink = 1 on paper = 0.
"""

from __future__ import annotations

import numpy as np

from dlflask.errors import BlankImage
from dlflask.imaging.background import (
    COARSE_SIDE,
    MAX_EVEN_SHARE,
    MIN_CONTRAST,
    border_share,
    measure_distance,
)
from dlflask.imaging.morphology.running import running_mean
from dlflask.imaging.resize import Plane
from dlflask.types import Ink, Pixels

#: Minimum contrast of ink with paper, in standard deviations of the paper's noise. In a blank
#: image, the twelve pixels that differ most from the paper reach only 3.4.
MIN_CLEARNESS = 4

#: An image is smoothed if the contrast of its ink with the paper is less than this, in standard
#: deviations of the paper's noise.
SMOOTH_BELOW = 12

#: Minimum part of the paper that has exactly the same grey level, in a drawing made on a screen.
MIN_EVEN_SHARE = 0.6

#: Maximum side of the grid of sampled pixels, whose grey levels are counted. With twice this side,
#: counting takes 15 µs more, and the predictions for the development images stay the same.
COUNTED_SIDE = 64

#: Maximum grey level that counts as dark. Higher levels count as light.
MAX_DARK = 127

#: Minimum contrast, in grey levels, of ink that keeps its values. Fainter ink is stretched. The
#: contrast of MNIST's digits is 254 or 255.
FULL_CONTRAST = 250

BLANK = (
    "The image shows no writing: all of it has about the same colour. Write with a dark pen on "
    "light paper, or the other way round, and send a new image."
)


def extract_ink(pixels: Pixels) -> Ink:
    """Measure the contrast of each pixel with the paper.

    Args:
        pixels: (height, width) or (channels, height, width) uint8.

    Returns:
        The ink: the second result of `extract_distance_and_ink`.

    Raises:
        BlankImage: Every pixel looks like paper.
    """
    return extract_distance_and_ink(pixels)[1]


def extract_distance_and_ink(pixels: Pixels, coarse_side: int = COARSE_SIDE) -> tuple[Plane, Ink]:
    """Measure each pixel's difference from the paper, and the ink, which is free of noise.

    Args:
        pixels: (height, width) or (channels, height, width) uint8.
        coarse_side: Maximum height and width, in pixels, of the copy on which the paper is
            estimated.

    Returns:
        Two arrays of (height, width) float32. The first is the difference from the paper, about 0
        on paper, in a unit that differs between images. The second is the ink in 0..1. If the paper
        has exactly one grey and the contrast is at least `FULL_CONTRAST`, the ink is the difference
        in grey levels divided by 255. An image made from ink values therefore keeps these values.

    Raises:
        BlankImage: Every pixel looks like paper.
    """
    planes = pixels.reshape(-1, *pixels.shape[-2:])
    flat = planes.reshape(len(planes), -1)
    lows, highs = flat.min(axis=1).tolist(), flat.max(axis=1).tolist()
    spans = [high - low for low, high in zip(lows, highs, strict=True)]
    widest = spans.index(max(spans))
    if not spans[widest]:
        raise BlankImage(BLANK)
    ink = _ink_on_even_paper(planes[widest], lows[widest], highs[widest])
    if ink is not None:
        return ink, ink
    distance = measure_distance(planes, coarse_side)
    return distance, _scale(distance)


def _ink_on_even_paper(plane: Pixels, low: int, high: int) -> Ink | None:
    """Return the ink on paper of exactly one grey, or None if the paper has several greys.

    Args:
        plane: (height, width) uint8.
        low: Minimum of `plane`.
        high: Maximum of `plane`.
    """
    # A sample of the rows and columns is enough to find the grey of the paper.
    step = 1 + max(plane.shape) // COUNTED_SIDE
    counts = np.bincount(plane[::step, ::step].ravel(), minlength=256)
    paper = int(counts.argmax())
    # Mark the dark pixels if the paper is light, or the light pixels if the paper is dark.
    mask = plane <= MAX_DARK if paper > MAX_DARK else plane > MAX_DARK
    area = np.count_nonzero(mask) / mask.size
    if area + border_share(mask) > 1:
        # `mask` covers most of the image and of its border, so `mask` is the paper. The most
        # frequent grey is the grey of bold ink that is cropped tightly.
        dark, light = counts[: MAX_DARK + 1], counts[MAX_DARK + 1 :]
        paper = int(dark.argmax() if paper > MAX_DARK else MAX_DARK + 1 + light.argmax())
    elif area > MAX_EVEN_SHARE:
        return None  # The image has a frame of one grey, or shows the table around the paper.
    peak = max(high - paper, paper - low)
    near = counts[max(0, paper - peak // 5) : paper + peak // 5 + 1].sum()
    if counts[paper] < MIN_EVEN_SHARE * near:
        return None
    if peak < MIN_CONTRAST:
        raise BlankImage(BLANK)
    # Compute in place. Four arrays of the image's size would push other data out of the CPU caches.
    ink: Ink = plane.astype(np.float32)
    if paper:
        np.subtract(np.float32(paper), ink, out=ink)
        np.abs(ink, out=ink)
    ink /= np.float32(255 if peak >= FULL_CONTRAST else peak)
    return ink


def _scale(distance: Plane) -> Ink:
    """Stretch `distance` so that the darkest ink is 1 and the noise of the paper is 0."""
    peak, middle, noise = _levels(distance)
    if peak - middle < SMOOTH_BELOW * noise:
        distance = running_mean(running_mean(distance, 3, 0), 3, 1)
        peak, middle, noise = _levels(distance)
    low = middle + 1.5 * noise
    if peak - middle < max(MIN_CONTRAST, MIN_CLEARNESS * noise):
        raise BlankImage(BLANK)
    ink: Ink = np.clip((distance - low) / (peak - low), 0, 1).astype(np.float32)
    return ink


def _levels(distance: Plane) -> tuple[int, int, float]:
    """Return the levels of ink and paper, and the standard deviation of the noise."""
    # Add 64, because `bincount` cannot count negative differences.
    levels = np.bincount(np.clip(distance + 64, 0, 255).astype(np.uint8).ravel(), minlength=256)
    # The level of the ink is the lowest level that at most 12 pixels exceed (in a large image, at
    # most 1 of 4,000 pixels).
    above = distance.size - levels.cumsum()
    peak = int(np.searchsorted(-above, -max(12, distance.size // 4000)))
    # All levels up to the midpoint between the most frequent level and `peak` count as paper.
    paper = levels[: (int(levels.argmax()) + peak) // 2 + 1]
    half = paper.sum() / 2
    middle = int(np.searchsorted(paper.cumsum(), half))
    deviations = np.bincount(np.abs(np.arange(len(paper)) - middle), paper)
    # The median deviation of a normal distribution is 1/1.48 of its standard deviation.
    noise = 1.48 * int(np.searchsorted(deviations.cumsum(), half))
    return peak - 64, middle - 64, noise
