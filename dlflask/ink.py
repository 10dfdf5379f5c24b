"""Pixels in, ink out: where a pen touched the paper, whatever the colours, the light, the polarity.

Ink is what differs from the paper around it. The difference is measured in colour, so a blue pen,
chalk on a board and white on black all come out as ink = 1 on paper = 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dlflask.errors import BlankImage

Ink = NDArray[np.float32]
Pixels = NDArray[np.uint8]

#: Below this difference from the paper, of 255, a picture shows noise and no ink.
MIN_CONTRAST = 12.0

#: A drawing on a screen has one colour of paper: at least this part of its border is exactly it.
PLAIN_BORDER = 0.6


def extract_ink(pixels: Pixels) -> Ink:
    """Measure how far each pixel is from the paper.

    Args:
        pixels: (height, width) or (height, width, 3) uint8.

    Returns:
        (height, width) float32 in 0..1, ink = 1, paper = 0. Where the paper is one even black or
        white, ink is the plain distance / 255, so that a picture made of ink values comes out
        with those values.

    Raises:
        BlankImage: Nothing differs from the paper.
    """
    colours = pixels[..., None] if pixels.ndim == 2 else pixels  # (height, width, 1 or 3)
    paper = _plain_paper(colours)
    if paper is None:
        return _scale(_distance(colours, _uneven_paper(colours)))
    distance = _distance(colours, paper)
    return distance / np.float32(255) if paper.max() in (0, 255) else _scale(distance)


def _distance(colours: Pixels, paper: NDArray[np.float32]) -> NDArray[np.float32]:
    """The largest difference of any colour channel, 0..255."""
    difference: NDArray[np.float32] = np.abs(colours - paper).max(axis=2)
    return difference.astype(np.float32)


def _plain_paper(colours: Pixels) -> NDArray[np.float32] | None:
    """The one colour, (channels,), that most of the border has exactly; None on a photograph."""
    border = _border(colours)
    values, counts = np.unique(border, axis=0, return_counts=True)
    if counts.max() < PLAIN_BORDER * len(border):
        return None
    plain: NDArray[np.float32] = values[counts.argmax()].astype(np.float32)
    return plain


def _border(colours: Pixels) -> Pixels:
    edges = (colours[0], colours[-1], colours[:, 0], colours[:, -1])
    return np.concatenate(edges)


def _uneven_paper(colours: Pixels) -> NDArray[np.float32]:
    """The paper's colour at each pixel, (height, width, channels): light falls off, shadows lie.

    A median over a window wider than any stroke sees only paper.
    """
    height, width, channels = colours.shape
    step = max(1, max(height, width) // 32)
    coarse = colours[::step, ::step].astype(np.float32)
    size = max(3, max(coarse.shape[:2]) // 2 | 1)
    paper = np.empty(colours.shape, np.float32)
    for channel in range(channels):
        smooth = ndimage.median_filter(coarse[..., channel], size=size, mode="nearest")
        zoom = (height / smooth.shape[0], width / smooth.shape[1])
        paper[..., channel] = ndimage.zoom(smooth, zoom, order=1, mode="nearest", grid_mode=True)
    return paper


def _scale(distance: NDArray[np.float32]) -> Ink:
    """Stretch so that the darkest ink is 1 and the noise of the paper is 0."""
    noise = float(np.median(distance)) * 3
    peak = float(np.percentile(distance, 99.5))
    peak = max(peak, float(distance.max()) * 0.6)
    if peak - noise < MIN_CONTRAST:
        raise BlankImage(
            "The picture is one even surface. Write one digit with a dark pen on light paper, or "
            "the other way round, and send it again."
        )
    ink: Ink = np.clip((distance - noise) / (peak - noise), 0, 1).astype(np.float32)
    return ink
