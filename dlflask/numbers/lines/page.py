"""Read a whole image, and parts of it again at a higher resolution.

`read_ink` cuts out one small object. A page keeps the whole image, and the positions of its parts
in the image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from dlflask.imaging.cost.pieces import CpuTimeLimit
from dlflask.imaging.decode import decode
from dlflask.imaging.decoded_image import WHOLE, DecodedImage, Region
from dlflask.imaging.ink import extract_distance_and_ink
from dlflask.imaging.resize import Plane
from dlflask.types import Ink, Pixels

#: Longest side of a page in pixels. A row of ten digits across it is 40 to 70 pixels high.
PAGE_SIDE = 512

#: Longest sides, in pixels, of the copies of a page and of a strip on which the paper is estimated.
#: The longer side of a strip is at least `STRIP_ASPECT` times the shorter one. On a copy as small
#: as the copy of a page, the strokes of a strip would be lost.
COARSE_PAGE, COARSE_STRIP, STRIP_ASPECT = 32, 64, 3

#: Most parts that are read again. A page with more small parts is read as it is.
MAX_PARTS = 16


@dataclass(frozen=True, eq=False)
class Page:
    """Upright image or a part of it, reduced.

    Attributes:
        distance: (height, width) float32, ink higher than paper, in any unit.
        ink: (height, width) float32 in 0..1, ink = 1, paper = 0.
        scale: Pixels of the image for each pixel of the page.
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
    """Decode an image, and some parts of it at a higher resolution.

    Args:
        upload: Image file in one of `decode.FORMATS`.
        find: Finds objects on the page.
        choose: Returns the parts around objects that are too small.

    Returns:
        The page, its objects, and a page for each of the first `MAX_PARTS` parts; no parts if the
        image was not reduced.

    Raises:
        ImageError: As by `read_ink.read_ink`.
        Busy: As by `read_ink.read_ink`.
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
    # A JPEG was reduced while it was decoded. Decoding it again takes as long as the first time.
    time_limit.check(times=2)
    with decode(upload, time_limit, _around(regions), side=PAGE_SIDE) as image:
        return page, found, [_cut(image, region) for region in regions]


def _cut(image: DecodedImage, region: Region) -> Page:
    pixels = image.cut(region, PAGE_SIDE)
    height, width = pixels.shape[-2:]
    distance, ink = measure(pixels)
    full_width, full_height = image.upright_size
    scale = max(full_width * (region[2] - region[0]), full_height * (region[3] - region[1]))
    left, top = region[0] * full_width, region[1] * full_height
    return Page(distance, ink, scale / max(height, width), left, top)


def measure(pixels: Pixels) -> tuple[Plane, Ink]:
    """Return the distance from the paper and the ink of a page, (height, width) float32.

    Args:
        pixels: (height, width) or (channels, height, width) uint8.

    Raises:
        BlankImage: Every pixel looks like paper.
    """
    height, width = pixels.shape[-2:]
    is_strip = max(height, width) >= STRIP_ASPECT * min(height, width)
    return extract_distance_and_ink(pixels, COARSE_STRIP if is_strip else COARSE_PAGE)


def _around(regions: Sequence[Region]) -> Region:
    """Return a region of the smallest size among `regions`, which needs the highest resolution."""
    sizes = [(right - left, bottom - top) for left, top, right, bottom in regions]
    width, height = min(sizes, key=max)
    return 0.0, 0.0, width, height
