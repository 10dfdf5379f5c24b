"""Conversion of all Pillow modes (alpha, palette, 16-bit, CMYK, float) to 8-bit grey or RGB."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from dlflask.imaging.ink import MIDDLE
from dlflask.types import ImageBox, Pixels

#: Number of pixels converted at a time. Converted at once, a large image would be held several
#: times: 2 GB for 64 megapixels with transparency.
STRIP_PIXELS = 1 << 20


def to_planes(image: Image.Image) -> Pixels:
    """Return (3, height, width) uint8, or (height, width) if all pixels are grey."""
    if image.mode == "L":
        # The same as np.asarray, without the dictionary that Pillow builds for it.
        return np.frombuffer(image.tobytes(), np.uint8).reshape(image.height, image.width)
    red, green, blue = bands = image.split()
    if ImageChops.difference(red, green).getbbox() or ImageChops.difference(red, blue).getbbox():
        return np.stack([np.asarray(band) for band in bands])
    return np.asarray(red)


def to_plain_mode(image: Image.Image, box: ImageBox, longest: int) -> Image.Image:
    """Crop to `box`, reduce the longer side to at most `longest` and convert to mode L or RGB.

    Transparent images are composited on paper. Grey of more than 8 bits is scaled by its range.

    Returns:
        Image of mode L or RGB: `image` itself if none of this changes it.
    """
    factor = -(-max(box[2] - box[0], box[3] - box[1]) // longest)
    if image.mode.startswith(("I", "F")):
        to_eight_bits = partial(_to_eight_bits, white=_white_level(image))
        return _reduce(image, box, factor, "L", to_eight_bits)
    if image.has_transparency_data:
        return _composite_on_paper(_reduce(image, box, factor, "RGBA"))
    if factor == 1 and image.mode in ("L", "RGB") and box == (0, 0, *image.size):
        return image
    return _reduce(image, box, factor, "L" if image.mode in ("1", "L") else "RGB")


def _reduce(
    image: Image.Image,
    box: ImageBox,
    factor: int,
    mode: str,
    convert: Callable[[Image.Image], Image.Image] | None = None,
) -> Image.Image:
    """Convert and reduce strip by strip, with the same result as for the whole image."""
    left, top, right, bottom = box
    size = -(-(right - left) // factor), -(-(bottom - top) // factor)
    reduced = Image.new(mode, size)
    for strip in _strips(box, factor):
        part = image.crop(strip)
        converted = convert(part) if convert else part.convert(mode)
        corner = (strip.left - left) // factor, (strip.top - top) // factor
        reduced.paste(converted.reduce(factor), corner)
    return reduced


def _strips(box: ImageBox, factor: int) -> Iterator[ImageBox]:
    """Divide `box` into boxes of about `STRIP_PIXELS`, their sides multiples of `factor`."""
    left, top, right, bottom = box
    width = right - left
    height = min(bottom - top, factor * max(1, STRIP_PIXELS // (factor * max(1, width))))
    if height * width > STRIP_PIXELS:
        # A panorama, of which a single row of blocks is too large.
        width = factor * max(1, STRIP_PIXELS // (factor * height))
    for start in range(top, bottom, max(1, height)):
        for side in range(left, right, max(1, width)):
            yield ImageBox(side, start, min(right, side + width), min(bottom, start + height))


def _white_level(image: Image.Image) -> float:
    """Return the smallest of 1, 255 and 65,535 that no pixel exceeds, else the maximum."""
    if image.mode in ("I", "I;16"):
        # Ten times as fast. The peak is a float32, as the pixels are when they are scaled.
        peak = float(np.asarray(image.getextrema(), np.float32)[1])
    else:
        strips = _strips(ImageBox(0, 0, *image.size), 1)
        peak = max(float(_values(image.crop(strip)).max()) for strip in strips)
    return next((level for level in (1.0, 255.0, 65_535.0) if peak <= level), peak)


def _values(image: Image.Image) -> NDArray[np.float32]:
    """Return a copy of the pixels as floats; those that are not numbers are 0."""
    values = np.asarray(image)
    if values.dtype.kind == "f":
        return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    return values.astype(np.float32)


def _to_eight_bits(image: Image.Image, white: float) -> Image.Image:
    """Scale 16-bit, 32-bit or float grey to 8 bits; Pillow's `convert` would clip it."""
    grey = _values(image)
    grey *= np.float32(255 / white)
    np.clip(grey, 0, 255, out=grey)
    np.rint(grey, out=grey)
    return Image.fromarray(grey.astype(np.uint8))


def _composite_on_paper(image: Image.Image) -> Image.Image:
    """Composite a transparent image on white or black, whichever contrasts with its colours."""
    *colours, opacity = (np.asarray(band, np.float32) for band in image.split())
    weight = opacity.sum()
    brightness = sum(float((c * opacity).sum()) for c in colours) / (3 * weight) if weight else 0.0
    paper = Image.new("RGBA", image.size, "white" if brightness < MIDDLE else "black")
    paper.alpha_composite(image)
    return paper.convert("RGB")
