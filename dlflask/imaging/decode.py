"""Decode an image file to pixels, within the limits of `decode_limits`.

The format is recognised by content, never by the name of the file. Limits are checked on the
header, before any pixel is decoded. A large JPEG is reduced while it is decoded.
"""

from __future__ import annotations

import math
import warnings
from contextlib import ExitStack

from PIL import Image

from dlflask.errors import UnsupportedImage
from dlflask.imaging.cost import check_cost, is_large_once_opened
from dlflask.imaging.cost.large_images import decode_slot
from dlflask.imaging.cost.pieces import Deadline, Pieces
from dlflask.imaging.decode_errors import reporting_errors
from dlflask.imaging.decode_limits import BYTES_PER_PIXEL, LARGE_BYTES
from dlflask.imaging.decoded_image import WHOLE, WORKING_SIDE, DecodedImage, Region
from dlflask.imaging.exif import orientation
from dlflask.imaging.fast_decode import decode_fast
from dlflask.imaging.metadata import strip_metadata

try:
    import pillow_heif
except ImportError:
    pillow_heif = None

#: First bytes of PNG, JPEG, GIF, BMP, and TIFF in both byte orders and as BigTIFF.
_SIGNATURES = (
    *(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM"),
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
)

#: Brands of ISO media files that hold a still image; mif1 and msf1 may be AVIF or HEIC.
_BRANDS = {b"avif", b"avis", b"mif1", b"msf1"}

FORMATS = ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"]

if pillow_heif is not None:
    pillow_heif.register_heif_opener()
    FORMATS.append("HEIF")
    _BRANDS |= {b"heic", b"heix", b"heim", b"heis", b"hevc"}

# Pillow warns of each damaged tag. Python would log each wording once and remember it for good:
# memory and a log that grow with every file received.
warnings.filterwarnings("ignore", module=r"PIL\.")


def decode(
    upload: bytes, deadline: Deadline, region: Region = WHOLE, side: int = WORKING_SIDE
) -> DecodedImage:
    """Decode an image so that the longer side of `region` has at least about `side` pixels.

    Raises:
        ImageError: The image is damaged, too large or in a format that is not read here.
        Busy: It is large, another one is being decoded and a third one waits.
    """
    if not _is_known_format(upload):
        raise UnsupportedImage(
            f"The file begins with {upload[:8]!r}, which is not a supported image format. "
            f"Send one of: {', '.join(FORMATS)}."
        )
    return _decode(upload, deadline, region, side)


@reporting_errors
def _decode(upload: bytes, deadline: Deadline, region: Region, side: int) -> DecodedImage:
    if region == WHOLE and (decoded := decode_fast(upload, side)):
        return DecodedImage(*decoded)
    return decode_by_pillow(strip_metadata(upload), deadline, region, side)


def _is_known_format(upload: bytes) -> bool:
    brand = upload[8:12]
    return (
        upload.startswith(_SIGNATURES)
        or (upload.startswith(b"RIFF") and brand == b"WEBP")
        or (upload[4:8] == b"ftyp" and brand in _BRANDS)
    )


def decode_by_pillow(
    upload: bytes, deadline: Deadline, region: Region, side: int = WORKING_SIDE
) -> DecodedImage:
    """Decode any image through Pillow's parsers; raise their exceptions as they are."""
    with ExitStack() as stack:
        if is_large := is_large_once_opened(upload):
            stack.enter_context(decode_slot())
        image = stack.enter_context(Image.open(Pieces(upload, deadline), formats=FORMATS))
        cost = check_cost(image, upload)
        longest = max(image.size)
        width, height = region[2] - region[0], region[3] - region[1]
        factor = math.ceil(max(image.width * width, image.height * height) / side)
        if factor > 1:
            # For JPEG only: decodes at 1/2, 1/4 or 1/8 scale, many times faster.
            size = max(1, image.width // factor), max(1, image.height // factor)
            image.draft(image.mode, size)
        cost = max(cost, image.width * image.height * BYTES_PER_PIXEL)
        if not is_large and cost > LARGE_BYTES:
            stack.enter_context(decode_slot())
        # Loading may find the orientation behind the pixels (PNG) or apply it (TIFF).
        image.load()
        return DecodedImage(image, longest, orientation(image), stack.pop_all())
