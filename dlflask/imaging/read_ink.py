"""Read the ink of an image file, and read it again at a higher resolution around a small object."""

from __future__ import annotations

from collections.abc import Callable

from dlflask.imaging.cost.limited_file import CpuTimeLimit
from dlflask.imaging.decode import decode
from dlflask.imaging.decoded_image import WORKING_SIDE, Region
from dlflask.imaging.ink import extract_ink
from dlflask.types import Ink

#: An object, such as a digit, is read again at a higher resolution if its longer side has fewer
#: pixels than `MIN_OBJECT_SIDE` and the image was reduced at least by the factor `MIN_REDUCTION`.
#: The digits of MNIST, which are 20 pixels high, were reduced from digits of 40 or more pixels.
MIN_OBJECT_SIDE, MIN_REDUCTION = 40, 2.5

#: Function that finds an object in the ink of an image. It returns the ink of the object, and the
#: (row, column) of the object's upper left corner.
Locator = Callable[[Ink], tuple[Ink, tuple[int, int]]]


def read_ink(upload: bytes, locate: Locator | None = None) -> Ink:
    """Decode an image and separate its ink from its background.

    Args:
        upload: Image file in one of `signatures.FORMATS`. Only the first frame of an animation is
            read.
        locate: Function that finds the object in the image. A small object in a large image is read
            again at a higher resolution. If None, only the whole image is read.

    Returns:
        (height, width) float32 in 0..1, ink = 1, paper = 0, upright, at most `WORKING_SIDE` pixels
        wide and high. It shows the whole image, or the region around a small object.

    Raises:
        UnsupportedImage: The bytes do not begin like an image of a known format.
        DamagedImage: The bytes begin like an image, but cannot be decoded.
        TooManyPixels: The header announces more pixels than `decode_limits` allow.
        TooComplex: Decoding takes more CPU time or memory than `decode_limits` allow.
        Busy: The image is large, another large image is being decoded, and a third is waiting.
        BlankImage: The image shows no ink.
    """
    time_limit = CpuTimeLimit()
    with decode(upload, time_limit) as image:
        ink = extract_ink(image.cut())
        if locate is None or image.longer_side < MIN_REDUCTION * WORKING_SIDE:
            return ink
        region = _around_small_object(ink, locate)
        if region is None:
            return ink
        if image.is_full_scale:
            return extract_ink(image.cut(region))
    # This JPEG was reduced while it was decoded. Decode it again at a higher resolution, if twice
    # the time used so far is within the limit.
    time_limit.check(times=2)
    with decode(upload, time_limit, region) as image:
        return extract_ink(image.cut(region))


def _around_small_object(ink: Ink, locate: Locator) -> Region | None:
    """Return the region of the image around the object, or None if the object is large enough."""
    found, (top, left) = locate(ink)
    longest = max(found.shape)
    if longest >= MIN_OBJECT_SIDE:
        return None
    height, width = ink.shape
    middle_y, middle_x = top + found.shape[0] / 2, left + found.shape[1] / 2
    return (
        max(0.0, (middle_x - 2 * longest) / width),
        max(0.0, (middle_y - 2 * longest) / height),
        min(1.0, (middle_x + 2 * longest) / width),
        min(1.0, (middle_y + 2 * longest) / height),
    )
