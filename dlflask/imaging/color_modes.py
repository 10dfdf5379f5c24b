"""Conversion of all Pillow modes (alpha, palette, 16-bit, CMYK, float) to 8-bit grey or RGB."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dlflask.imaging.transparency import composite_on_paper, has_no_opacity
from dlflask.types import ImageBox, Pixels

#: Number of pixels converted at a time. Converting a large image at once would need several copies
#: of it: 2 GB for 64 megapixels with transparency.
STRIP_PIXELS = 1 << 20

#: Range of grey of more than 8 bits, in levels of 8 bits, below which it is stretched: cameras and
#: microscopes store 12 bits in 16, scanners a narrow part of the range.
MIN_SPAN = 64

#: Least range, relative to its ends, and in whole numbers. A smaller range is rounding, or the
#: grain of an even surface.
MIN_SHARE, MIN_LEVELS = 0.001, 32

#: Largest value of a float image that is used.
MAX_FLOAT = 1e30

#: Number of pixels that do not count for the range, such as broken ones of a sensor.
OUTLIERS = 12


def to_planes(image: Image.Image) -> Pixels:
    """Return (3, height, width) uint8, or (height, width) if all pixels are grey."""
    # Bytes take half the time of np.asarray and of ImageChops, for which Pillow builds objects.
    if image.mode == "L":
        return np.frombuffer(image.tobytes(), np.uint8).reshape(image.height, image.width)
    red, green, blue = (image.tobytes("raw", channel) for channel in "RGB")
    if red == green == blue:
        return np.frombuffer(red, np.uint8).reshape(image.height, image.width)
    planes = np.frombuffer(b"".join((red, green, blue)), np.uint8)
    return planes.reshape(3, image.height, image.width)


def to_plain_mode(image: Image.Image, box: ImageBox, longest: int) -> Image.Image:
    """Crop to `box`, reduce the longer side to at most `longest` and convert to mode L or RGB.

    Transparent images are composited on paper. Grey of more than 8 bits is scaled by the range of
    its type, or by the range of its values if that is much smaller.

    Returns:
        Image of mode L or RGB: `image` itself if none of this changes it.
    """
    factor = -(-max(box[2] - box[0], box[3] - box[1]) // longest)
    if image.mode.startswith(("I", "F")):
        scale = 255 / _white_level(image)
        grey = np.asarray(_reduce(image, box, factor, "F", _to_float)) * np.float32(scale)
        return _to_eight_bits(grey, 0.0 if image.mode == "F" else scale)
    if image.has_transparency_data:
        reduced = _reduce(image, box, factor, "RGBA")
        if has_no_opacity(reduced):
            # Screenshots on a clipboard may have an opacity channel that was never set.
            return _reduce(image, box, factor, "RGB")
        return composite_on_paper(reduced)
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
        # In a panorama, a single row of blocks is too large.
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
    """Return a copy of the pixels as floats, with 0 in place of NaN and infinite values.

    Floats are limited to `MAX_FLOAT`, which later products with up to 255 keep within float32.
    """
    values = np.asarray(image)
    if values.dtype.kind == "f":
        numbers = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        return np.clip(numbers, -MAX_FLOAT, MAX_FLOAT)
    return values.astype(np.float32)


def _to_float(image: Image.Image) -> Image.Image:
    return Image.fromarray(_values(image))


def _to_eight_bits(grey: NDArray[np.float32], step: float) -> Image.Image:
    """Round grey to 8 bits; stretch it first if it uses only a small part of 0..255.

    Args:
        grey: (height, width).
        step: Difference in `grey` that a step of 1 in the file makes; 0 if the file contains
            fractions.
    """
    low, high = _robust_range(grey)
    span = high - low
    least = max(MIN_SHARE * max(abs(low), abs(high)), step * MIN_LEVELS, 1 / MAX_FLOAT)
    if (span < MIN_SPAN or low < 0) and span > least:
        # Clipped first, since a single outlier may be larger by more than float32 can hold.
        grey = (np.clip(grey, low, high) - low) * np.float32(255 / span)
    return Image.fromarray(np.rint(np.clip(grey, 0, 255)).astype(np.uint8))


def _robust_range(grey: NDArray[np.float32]) -> tuple[float, float]:
    """Return the range of the values without the `OUTLIERS` lowest and highest."""
    outliers = min(OUTLIERS, grey.size // 100)
    ordered = np.partition(grey, (outliers, grey.size - 1 - outliers), axis=None)
    return float(ordered[outliers]), float(ordered[-1 - outliers])
