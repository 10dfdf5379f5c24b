"""Decode an image, and decode parts of it again at a higher resolution.

A `Page` shows the whole image or a part of it, and records where this part is in the image. In
contrast, `imaging.read_ink` is for images that show a single object.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from dlflask.imaging.cost.limited_file import CpuTimeLimit
from dlflask.imaging.decode import decode
from dlflask.imaging.decoded_image import WHOLE, DecodedImage, Region
from dlflask.imaging.ink import extract_distance_and_ink
from dlflask.imaging.resize import Plane
from dlflask.types import Ink, Pixels

#: Maximum length of a page's longer side, in pixels. At this size, a row of ten digits across the
#: whole page is 40 to 70 pixels high.
PAGE_SIDE = 512

#: Length, in pixels, of the longer side of the reduced copy on which the paper is estimated. An
#: image is oblong if its longer side is at least `OBLONG` times its shorter side. An oblong image
#: needs a larger copy, because strokes would disappear in a copy only a few pixels high.
COARSE_PAGE, COARSE_OBLONG, OBLONG = 32, 64, 3

#: Maximum number of parts that are decoded again. Lines in further parts are read from the page.
MAX_PARTS = 16


@dataclass(frozen=True, eq=False)
class Page:
    """Upright image, or a part of it, reduced to at most `PAGE_SIDE` pixels.

    Attributes:
        distance: Difference of each pixel's brightness from the paper's, (height, width) float32,
            in any unit. It is positive for ink.
        ink: (height, width) float32 in 0..1, ink = 1, paper = 0.
        scale: Width of a pixel of the page, in pixels of the image.
        left: Column of the page's left edge, in pixels of the image.
        top: Row of the page's upper edge, in pixels of the image.
    """

    distance: Plane
    ink: Ink
    scale: float
    left: float = 0.0
    top: float = 0.0


Found = TypeVar("Found")


def read_page(
    upload: bytes,
    find: Callable[[Page], Found],
    choose: Callable[[Page, Found], Sequence[Region]],
) -> tuple[Page, Found, list[Page]]:
    """Decode an image, and decode some parts of it at a higher resolution.

    Args:
        upload: Image file in one of `decode.FORMATS`.
        find: Function that finds objects on the page.
        choose: Function that returns the parts around objects that are too small on the page.

    Returns:
        The page, its objects, and a page for each of the first `MAX_PARTS` parts. The last list is
        empty if the image was not reduced, because its parts would not show more details.

    Raises:
        ImageError: For the same reasons as in `read_ink.read_ink`.
        Busy: For the same reasons as in `read_ink.read_ink`.
    """
    time_limit = CpuTimeLimit()
    with decode(upload, time_limit, side=PAGE_SIDE) as image:
        page = _cut(image, WHOLE)
        found = find(page)
        regions = list(choose(page, found))[:MAX_PARTS] if page.scale > 1 else []
        if not regions:
            return page, found, []
        if image.is_full_scale:
            return page, found, [_cut(image, region) for region in regions]
    # The JPEG decoder reduced the image, so the image must be decoded again. This takes as long as
    # before, so the time for decoding twice must not exceed the limit.
    time_limit.check(times=2)
    with decode(upload, time_limit, _smallest_size(regions), side=PAGE_SIDE) as image:
        return page, found, [_cut(image, region) for region in regions]


def _cut(image: DecodedImage, region: Region) -> Page:
    """Return a page that shows `region` of the image."""
    pixels = image.cut(region, PAGE_SIDE)
    height, width = pixels.shape[-2:]
    distance, ink = measure(pixels)
    full_width, full_height = image.upright_size
    scale = max(full_width * (region[2] - region[0]), full_height * (region[3] - region[1]))
    left, top = region[0] * full_width, region[1] * full_height
    return Page(distance, ink, scale / max(height, width), left, top)


def measure(pixels: Pixels) -> tuple[Plane, Ink]:
    """Return the arrays `distance` and `ink` of a page, as `Page` describes them.

    Args:
        pixels: (height, width) or (channels, height, width) uint8.

    Raises:
        BlankImage: Every pixel looks like paper.
    """
    height, width = pixels.shape[-2:]
    is_oblong = max(height, width) >= OBLONG * min(height, width)
    return extract_distance_and_ink(pixels, COARSE_OBLONG if is_oblong else COARSE_PAGE)


def _smallest_size(regions: Sequence[Region]) -> Region:
    """Return a region with the size of the smallest of `regions`. Its position does not matter.

    The smallest region needs the highest resolution, which is then enough for all regions.
    """
    sizes = [(right - left, bottom - top) for left, top, right, bottom in regions]
    width, height = min(sizes, key=max)
    return 0.0, 0.0, width, height
