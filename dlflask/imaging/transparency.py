"""Put paper under a transparent image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dlflask.imaging.ink import MIDDLE
from dlflask.imaging.morphology.growth import grow_sides

#: Least opacity of a pixel whose colour may be the colour of paper, 0..255.
_OPAQUE = 250

#: A note covers this part of the box around it, and strokes less.
_MIN_FILLED = 0.5

#: Most of a note has about one grey, its paper; a digit on it differs by more. Parts of the opaque
#: pixels, and grey levels.
_MIN_PAPER, _MIN_INK, _NEAR_PAPER, _FAR_FROM_PAPER = 0.6, 0.002, 48, 80


def has_no_opacity(image: Image.Image) -> bool:
    """Return True if all pixels of an RGBA image are transparent."""
    return image.getchannel("A").getextrema() == (0, 0)


def composite_on_paper(image: Image.Image) -> Image.Image:
    """Return an RGBA image as RGB on paper that its strokes contrast with.

    A note with a digit on it is continued to the edges of the image; strokes alone are put on white
    or black, whichever contrasts with their colours.
    """
    pixels = np.asarray(image)
    opacity = pixels[..., 3]
    if opacity.min() == 255:
        return image.convert("RGB")
    note = _continue_note(pixels[..., :3], opacity >= _OPAQUE)
    return _composite_strokes(image) if note is None else Image.fromarray(note)


def _continue_note(
    colours: NDArray[np.uint8], opaque: NDArray[np.bool_]
) -> NDArray[np.uint8] | None:
    """Extend an opaque note to the whole image: each pixel outside gets the note's nearest one.

    Args:
        colours: (height, width, 3).
        opaque: (height, width).

    Returns:
        (height, width, 3); None if the opaque part is not a note.
    """
    # The outermost pixels of a note are blended with its former surroundings.
    inner = ~grow_sides(grow_sides(~opaque))
    rows, columns = (np.flatnonzero(inner.any(axis)) for axis in (1, 0))
    if not len(rows) or (
        inner[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean() < _MIN_FILLED
    ):
        return None
    greys = colours[inner].astype(np.int16).mean(axis=1)
    distance = np.abs(greys - np.median(greys))
    if (distance <= _NEAR_PAPER).mean() < _MIN_PAPER or (
        distance >= _FAR_FROM_PAPER
    ).mean() < _MIN_INK:
        return None
    # Imported here, because few images need it and it takes a third of a start.
    from scipy import ndimage  # noqa: PLC0415

    nearest = ndimage.distance_transform_edt(~inner, return_distances=False, return_indices=True)
    continued: NDArray[np.uint8] = colours[tuple(nearest)]
    return continued


def _composite_strokes(image: Image.Image) -> Image.Image:
    *colours, opacity = (np.asarray(band, np.float32) for band in image.split())
    weight = opacity.sum()
    brightness = sum(float((c * opacity).sum()) for c in colours) / (3 * weight) if weight else 0.0
    paper = Image.new("RGBA", image.size, "white" if brightness < MIDDLE else "black")
    paper.alpha_composite(image)
    return paper.convert("RGB")
