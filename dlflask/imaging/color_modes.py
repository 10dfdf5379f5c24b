"""Conversion of all Pillow modes (alpha, palette, 16-bit, CMYK, float) to 8-bit grey or RGB."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dlflask.imaging.transparency import composite_on_paper, is_invisible
from dlflask.types import ImageBox, Pixels

#: Maximum number of pixels of a strip, the part of the image that is converted at once. The whole
#: image at once would need several copies in memory: 2 GB for 64 megapixels with transparency.
STRIP_PIXELS = 1 << 20

#: Grey values of more than 8 bits are scaled to 0..255. If the scaled values span less than
#: this, they are stretched: cameras and scanners often use only a part of the possible values.
MIN_SPAN = 64

#: A range of values is stretched only if it is wider than `MIN_SHARE` times the larger absolute
#: value of its two ends. If the file has whole numbers, the range must also be wider than
#: `MIN_LEVELS` of them. A narrower range comes from rounding, or from the grain of an even surface.
MIN_SHARE, MIN_LEVELS = 0.001, 32

#: Maximum absolute value of a pixel in a float image. Larger values are clipped.
MAX_FLOAT = 1e30

#: Maximum number of pixels that are ignored at each end of the range, because broken pixels of a
#: sensor have wrong values.
OUTLIERS = 12


def to_planes(image: Image.Image) -> Pixels:
    """Return (3, height, width) uint8, or (height, width) if all pixels are grey."""
    # `tobytes` takes half the time of `np.asarray` or `ImageChops`.
    if image.mode == "L":
        return np.frombuffer(image.tobytes(), np.uint8).reshape(image.height, image.width)
    red, green, blue = (image.tobytes("raw", channel) for channel in "RGB")
    if red == green == blue:
        return np.frombuffer(red, np.uint8).reshape(image.height, image.width)
    planes = np.frombuffer(b"".join((red, green, blue)), np.uint8)
    return planes.reshape(3, image.height, image.width)


def to_plain_mode(image: Image.Image, box: ImageBox, max_side: int) -> Image.Image:
    """Crop to `box`, reduce the longer side to at most `max_side` and convert to mode L or RGB.

    Transparent images are composited on paper. Grey values of more than 8 bits are scaled so that
    the white level (see `_white_level`) becomes 255. The scaled values are stretched if they use
    only a small part of 0..255.

    Returns:
        Image of mode L or RGB. If nothing has to be changed, this is `image` itself.
    """
    factor = -(-max(box[2] - box[0], box[3] - box[1]) // max_side)
    if image.mode.startswith(("I", "F")):
        scale = 255 / _white_level(image)
        grey = np.asarray(_reduce(image, box, factor, "F", _to_float)) * np.float32(scale)
        return _to_eight_bits(grey, 0.0 if image.mode == "F" else scale)
    if image.has_transparency_data and not _is_opaque(image, box):
        reduced = _reduce(image, box, factor, "RGBA")
        if is_invisible(reduced):
            # Ignore the opacity. In screenshots on a clipboard, the opacity channel may be 0
            # because no program filled it.
            return _reduce(image, box, factor, "RGB")
        return composite_on_paper(reduced)
    return _reduce(image, box, factor, "L" if image.mode in ("1", "L") else "RGB")


def _is_opaque(image: Image.Image, box: ImageBox) -> bool:
    """Return True if an RGBA image is opaque in `box`. An opaque image is faster to convert."""
    return image.mode == "RGBA" and all(
        _crop(image, strip).getchannel("A").getextrema() == (255, 255) for strip in _strips(box, 1)
    )


def _crop(image: Image.Image, box: ImageBox) -> Image.Image:
    """Return the part of the image in `box`: `image` itself if this is the whole image."""
    return image if box == (0, 0, *image.size) else image.crop(box)


def _reduce(
    image: Image.Image,
    box: ImageBox,
    factor: int,
    mode: str,
    convert: Callable[[Image.Image], Image.Image] | None = None,
) -> Image.Image:
    """Crop to `box`, convert to `mode` and divide the size by `factor`, one strip at a time."""

    def reduce_strip(strip: ImageBox) -> Image.Image:
        part = _crop(image, strip)
        if convert:
            part = convert(part)
        elif part.mode != mode:
            part = part.convert(mode)
        return part.reduce(factor) if factor > 1 else part

    left, top, right, bottom = box
    strips = list(_strips(box, factor))
    if len(strips) == 1:
        return reduce_strip(strips[0])
    reduced = Image.new(mode, (-(-(right - left) // factor), -(-(bottom - top) // factor)))
    for strip in strips:
        corner = (strip.left - left) // factor, (strip.top - top) // factor
        reduced.paste(reduce_strip(strip), corner)
    return reduced


def _strips(box: ImageBox, factor: int) -> Iterator[ImageBox]:
    """Divide `box` into strips of at most about `STRIP_PIXELS` pixels.

    The sides of a strip are multiples of `factor`, except at the right and lower end of `box`.
    Therefore reducing each strip by `factor` gives the same pixels as reducing the whole image.
    """
    left, top, right, bottom = box
    width = right - left
    height = min(bottom - top, factor * max(1, STRIP_PIXELS // (factor * max(1, width))))
    if height * width > STRIP_PIXELS:
        # In a panorama, even a strip of the minimum height `factor` is too large. Reduce the width.
        width = factor * max(1, STRIP_PIXELS // (factor * height))
    for y in range(top, bottom, max(1, height)):
        for x in range(left, right, max(1, width)):
            yield ImageBox(x, y, min(right, x + width), min(bottom, y + height))


def _white_level(image: Image.Image) -> float:
    """Return the smallest of 1, 255 and 65,535 that no pixel exceeds.

    If a pixel exceeds 65,535, return the maximum of all pixels.
    """
    if image.mode in ("I", "I;16"):
        # For whole numbers, `getextrema` is ten times as fast as the strips below. Round the peak
        # to float32, because `_values` rounds the pixels in the same way.
        peak = float(np.asarray(image.getextrema(), np.float32)[1])
    else:
        strips = _strips(ImageBox(0, 0, *image.size), 1)
        peak = max(float(_values(image.crop(strip)).max()) for strip in strips)
    return next((level for level in (1.0, 255.0, 65_535.0) if peak <= level), peak)


def _values(image: Image.Image) -> NDArray[np.float32]:
    """Return a copy of the pixels as floats, with 0 in place of NaN and infinite values.

    Floats are clipped to `MAX_FLOAT`, so that their products with numbers up to 255 fit into
    float32.
    """
    values = np.asarray(image)
    if values.dtype.kind == "f":
        numbers = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        return np.clip(numbers, -MAX_FLOAT, MAX_FLOAT)
    return values.astype(np.float32)


def _to_float(image: Image.Image) -> Image.Image:
    return Image.fromarray(_values(image))


def _to_eight_bits(grey: NDArray[np.float32], step: float) -> Image.Image:
    """Round grey values to 8 bits. Stretch the values first if they use a small part of 0..255.

    Args:
        grey: (height, width), already scaled to 0..255.
        step: Difference in `grey` that corresponds to a difference of 1 in the file, or 0 if the
            file contains fractions.
    """
    low, high = _robust_range(grey)
    span = high - low
    min_span = max(MIN_SHARE * max(abs(low), abs(high)), step * MIN_LEVELS, 1 / MAX_FLOAT)
    if (span < MIN_SPAN or low < 0) and span > min_span:
        # Clip first, because the difference between an outlier and `low` may exceed float32.
        grey = (np.clip(grey, low, high) - low) * np.float32(255 / span)
    return Image.fromarray(np.rint(np.clip(grey, 0, 255)).astype(np.uint8))


def _robust_range(grey: NDArray[np.float32]) -> tuple[float, float]:
    """Return the minimum and maximum, ignoring at most `OUTLIERS` pixels at each end."""
    outliers = min(OUTLIERS, grey.size // 100)
    ordered = np.partition(grey, (outliers, grey.size - 1 - outliers), axis=None)
    return float(ordered[outliers]), float(ordered[-1 - outliers])
