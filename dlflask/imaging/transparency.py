"""Put paper under a transparent image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dlflask.imaging.ink import MAX_DARK
from dlflask.imaging.morphology.growth import grow

#: Minimum opacity (0..255) of a pixel whose colour may be the colour of paper.
_OPAQUE = 250

#: A note (an opaque piece of paper) covers at least this part of its bounding box. Strokes cover a
#: smaller part of their bounding box.
_MIN_FILLED = 0.5

#: Minimum part of a note's pixels that are paper, and minimum part that are writing. A pixel is
#: paper if it differs from the median by at most `_NEAR_PAPER` grey levels, and writing if it
#: differs by at least `_FAR_FROM_PAPER` grey levels.
_MIN_PAPER, _MIN_INK, _NEAR_PAPER, _FAR_FROM_PAPER = 0.6, 0.002, 48, 80


def is_invisible(image: Image.Image) -> bool:
    """Return True if all pixels of an RGBA image are transparent."""
    return image.getchannel("A").getextrema() == (0, 0)


def composite_on_paper(image: Image.Image) -> Image.Image:
    """Return an RGBA image as RGB, on paper that contrasts with the strokes.

    A note with writing is extended to the edges of the image. Strokes without a note are put on
    white paper if the strokes are dark, otherwise on black paper.
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
    """Extend an opaque note to the whole image.

    Each pixel outside of the note gets the colour of the note's nearest pixel.

    Args:
        colours: (height, width, 3).
        opaque: (height, width).

    Returns:
        (height, width, 3), or None if the opaque part is not a note.
    """
    # Ignore the outermost pixels of a note, because they also contain colours of the surroundings
    # from which the note was cut out.
    inner = ~grow(grow(~opaque, corners=False), corners=False)
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
    # Import SciPy here, because few images need it and the import takes a third of the start time.
    from scipy import ndimage  # noqa: PLC0415

    nearest = ndimage.distance_transform_edt(~inner, return_distances=False, return_indices=True)
    continued: NDArray[np.uint8] = colours[tuple(nearest)]
    return continued


def _composite_strokes(image: Image.Image) -> Image.Image:
    *colours, opacity = (np.asarray(band, np.float32) for band in image.split())
    weight = opacity.sum()
    brightness = sum(float((c * opacity).sum()) for c in colours) / (3 * weight) if weight else 0.0
    paper = Image.new("RGBA", image.size, "white" if brightness < MAX_DARK else "black")
    paper.alpha_composite(image)
    return paper.convert("RGB")
