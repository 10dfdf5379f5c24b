"""Any of Pillow's modes in, 8-bit grey or colour out: alpha, palettes, 16 bits, CMYK, floats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from dlflask.imaging.ink import MIDDLE
from dlflask.types import ImageBox, Pixels

#: Pictures are converted a million pixels at a time: whole, a large one would be held several times
#: over, 2 GB for 64 megapixels with transparency.
STRIP_PIXELS = 1 << 20


def to_planes(plain: Image.Image) -> Pixels:
    """Give (height, width) uint8 where no pixel has colour, else (3, height, width)."""
    if plain.mode == "L":
        # What np.asarray does, without Pillow's way around by a dictionary.
        return np.frombuffer(plain.tobytes(), np.uint8).reshape(plain.height, plain.width)
    red, green, blue = bands = plain.split()
    if ImageChops.difference(red, green).getbbox() or ImageChops.difference(red, blue).getbbox():
        return np.stack([np.asarray(band) for band in bands])
    return np.asarray(red)


def to_plain_mode(picture: Image.Image, box: ImageBox, longest: int) -> Image.Image:
    """Cut `box` out, reduce its longer side to at most `longest`, convert to mode L or RGB.

    Transparency is laid on paper; grey of more than 8 bits is scaled by the picture's own range.

    Returns:
        `picture` itself where nothing is to be done.
    """
    factor = -(-max(box[2] - box[0], box[3] - box[1]) // longest)
    if picture.mode.startswith(("I", "F")):
        return _reduce(picture, box, factor, "L", partial(_to_eight_bits, full=_full(picture)))
    if picture.has_transparency_data:
        return _lay_on_paper(_reduce(picture, box, factor, "RGBA"))
    if factor == 1 and picture.mode in ("L", "RGB") and box == (0, 0, *picture.size):
        return picture
    return _reduce(picture, box, factor, "L" if picture.mode in ("1", "L") else "RGB")


def _reduce(
    picture: Image.Image,
    box: ImageBox,
    factor: int,
    mode: str,
    convert: Callable[[Image.Image], Image.Image] | None = None,
) -> Image.Image:
    """Convert and reduce strip by strip; what comes out is as if it were done at once."""
    left, top, right, bottom = box
    size = -(-(right - left) // factor), -(-(bottom - top) // factor)
    reduced = Image.new(mode, size)
    for strip in _strips(box, factor):
        part = picture.crop(strip)
        plain = convert(part) if convert else part.convert(mode)
        corner = (strip[0] - left) // factor, (strip[1] - top) // factor
        reduced.paste(plain.reduce(factor), corner)
    return reduced


def _strips(box: ImageBox, factor: int) -> Iterator[ImageBox]:
    """Cut `box` into boxes of about `STRIP_PIXELS`, their sides multiples of `factor`."""
    left, top, right, bottom = box
    width = right - left
    height = min(bottom - top, factor * max(1, STRIP_PIXELS // (factor * max(1, width))))
    if height * width > STRIP_PIXELS:
        # A panorama, of which a single row of blocks is too large.
        width = factor * max(1, STRIP_PIXELS // (factor * height))
    for start in range(top, bottom, max(1, height)):
        for side in range(left, right, max(1, width)):
            yield ImageBox(side, start, min(right, side + width), min(bottom, start + height))


def _full(picture: Image.Image) -> float:
    """Return the value of white: the least of 1, 255, 65,535 and the brightest pixel."""
    if picture.mode in ("I", "I;16"):
        # In a tenth of the time. Values are compared as the floats that they are scaled as.
        peak = float(np.asarray(picture.getextrema(), np.float32)[1])
    else:
        strips = _strips(ImageBox(0, 0, *picture.size), 1)
        peak = max(float(_values(picture.crop(strip)).max()) for strip in strips)
    return next((level for level in (1.0, 255.0, 65_535.0) if peak <= level), peak)


def _values(picture: Image.Image) -> NDArray[np.float32]:
    """Return a copy of the pixels as floats; those that are not numbers are 0."""
    values = np.asarray(picture)
    if values.dtype.kind == "f":
        return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    return values.astype(np.float32)


def _to_eight_bits(picture: Image.Image, full: float) -> Image.Image:
    """Scale 16-bit, 32-bit and float grey by their own range; Pillow's convert would clip."""
    grey = _values(picture)
    grey *= np.float32(255 / full)
    np.clip(grey, 0, 255, out=grey)
    np.rint(grey, out=grey)
    return Image.fromarray(grey.astype(np.uint8))


def _lay_on_paper(picture: Image.Image) -> Image.Image:
    """Lay a transparent picture on white or black, whichever its own colours stand out from."""
    *colours, opacity = (np.asarray(band, np.float32) for band in picture.split())
    weight = opacity.sum()
    brightness = sum(float((c * opacity).sum()) for c in colours) / (3 * weight) if weight else 0.0
    paper = Image.new("RGBA", picture.size, "white" if brightness < MIDDLE else "black")
    paper.alpha_composite(picture)
    return paper.convert("RGB")
