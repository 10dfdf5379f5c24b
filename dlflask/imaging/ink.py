"""Pixels in, ink out: where a pen touched the paper, whatever the colours, the light, the polarity.

Ink is what differs from the paper around it, in the colour channel that shows it best, so a blue
pen, chalk on a board and white on black all come out as ink = 1 on paper = 0.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from dlflask.errors import BlankImage
from dlflask.imaging.background import MAX_EVEN_SHARE, MIN_CONTRAST, border_share, measure_distance
from dlflask.imaging.resize import Plane
from dlflask.types import Ink, Pixels

#: The dozen grains that stray furthest in a blank picture reach 3.4 standard deviations.
MIN_CLEARNESS = 4

#: Ink of less than so many standard deviations of the paper's noise is smoothed first.
SMOOTH_BELOW = 12

#: A drawing on a screen has one colour of paper: so much of its paper is exactly that colour.
PLAIN_SHARE = 0.6

#: Greys are counted on a grid of about this side: of 1,357 pictures none is read otherwise than
#: with twice as many of its rows and columns, which take 15 µs more.
COUNTED_SIDE = 64

#: Between dark and light grey.
MIDDLE = 127

#: Ink on black or white that reaches so far keeps its values: MNIST's peaks are 254 and 255.
FULL = 250

BLANK = (
    "The picture is one even surface. Write one digit with a dark pen on light paper, or "
    "the other way round, and send it again."
)


def extract_ink(pixels: Pixels) -> Ink:
    """Measure how far each pixel is from the paper.

    Args:
        pixels: (height, width) or (channels, height, width) uint8.

    Returns:
        (height, width) float32 in 0..1, ink = 1, paper = 0. Where the paper is one even black or
        white, ink is the plain distance / 255, so that a picture made of ink values comes out
        with those values.

    Raises:
        BlankImage: Nothing differs from the paper.
    """
    planes = pixels.reshape(-1, *pixels.shape[-2:])
    ranges = [(int(plane.min()), int(plane.max())) for plane in planes]
    spans = [high - low for low, high in ranges]
    widest = spans.index(max(spans))
    if not spans[widest]:
        raise BlankImage(BLANK)
    plain = _plain_ink(planes[widest], *ranges[widest])
    return _scale(measure_distance(planes)) if plain is None else plain


def _plain_ink(plane: Pixels, low: int, high: int) -> Ink | None:
    """Ink on paper of one exact grey; None where the paper is not so even.

    Args:
        plane: (height, width) uint8.
        low: Its least value.
        high: Its greatest.
    """
    # Some rows and columns tell the paper as well as all do.
    step = 1 + max(plane.shape) // COUNTED_SIDE
    counts = np.bincount(plane[::step, ::step].ravel(), minlength=256)
    paper = int(counts.argmax())
    mask = plane <= MIDDLE if paper > MIDDLE else plane > MIDDLE
    area = np.count_nonzero(mask) / mask.size
    if area + border_share(mask) > 1:
        # Bold ink, cut out tightly: the paper is the lesser part of the picture and its border.
        dark, light = counts[: MIDDLE + 1], counts[MIDDLE + 1 :]
        paper = int(dark.argmax() if paper > MIDDLE else MIDDLE + 1 + light.argmax())
    elif area > MAX_EVEN_SHARE:
        return None  # An even frame or table around the paper.
    peak = max(high - paper, paper - low)
    near = counts[max(0, paper - peak // 5) : paper + peak // 5 + 1].sum()
    if counts[paper] < PLAIN_SHARE * near:
        return None
    if peak < MIN_CONTRAST:
        raise BlankImage(BLANK)
    # In place: four arrays of a picture's size would leave nothing else in the caches.
    ink: Ink = plane.astype(np.float32)
    if paper:
        np.subtract(np.float32(paper), ink, out=ink)
        np.abs(ink, out=ink)
    ink /= np.float32(255 if peak >= FULL else peak)
    return ink


def _scale(distance: Plane) -> Ink:
    """Stretch so that the darkest ink is 1 and the noise of the paper is 0."""
    peak, middle, noise = _levels(distance)
    if peak - middle < SMOOTH_BELOW * noise:
        distance = ndimage.uniform_filter(distance, 3)
        peak, middle, noise = _levels(distance)
    low = middle + 1.5 * noise
    if peak - middle < max(MIN_CONTRAST, MIN_CLEARNESS * noise):
        raise BlankImage(BLANK)
    ink: Ink = np.clip((distance - low) / (peak - low), 0, 1).astype(np.float32)
    return ink


def _levels(distance: Plane) -> tuple[int, int, float]:
    """Measure the levels of ink and paper, and one standard deviation of the noise."""
    levels = np.bincount(np.clip(distance + 64, 0, 255).astype(np.uint8).ravel(), minlength=256)
    above = distance.size - levels.cumsum()
    peak = int(np.searchsorted(-above, -max(12, distance.size // 4000)))
    # Paper is what lies in the lower half between the lightest level and the ink.
    paper = levels[: (int(levels.argmax()) + peak) // 2 + 1]
    half = paper.sum() / 2
    middle = int(np.searchsorted(paper.cumsum(), half))
    strays = np.bincount(np.abs(np.arange(len(paper)) - middle), paper)
    # The median stray, of a normal distribution, is 1/1.48 of its standard deviation.
    noise = 1.48 * int(np.searchsorted(strays.cumsum(), half))
    return peak - 64, middle - 64, noise
