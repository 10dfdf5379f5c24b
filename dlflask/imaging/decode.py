"""Decode an image file to pixels, within the limits of `decode_limits`.

The format is recognised by content, never by the name of the file. Limits are checked on the
header, before any pixel is decoded. A large JPEG is reduced while it is decoded.
"""

from __future__ import annotations

import math
import struct
import warnings
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from PIL import Image, UnidentifiedImageError

from dlflask.errors import DamagedImage, ImageError, TooComplex, UnsupportedImage
from dlflask.imaging.color_modes import to_plain_mode, to_planes
from dlflask.imaging.cost import check_cost, is_large_once_opened, too_many_pixels
from dlflask.imaging.decode_limits import BYTES_PER_PIXEL, LARGE_BYTES
from dlflask.imaging.exif import orientation, rotate_upright, to_stored_box
from dlflask.imaging.fast_decode import decode_fast
from dlflask.imaging.large_images import decode_slot
from dlflask.imaging.metadata import strip_metadata
from dlflask.imaging.pieces import Deadline, Pieces
from dlflask.types import ImageBox, Pixels

try:
    import pillow_heif
except ImportError:
    pillow_heif = None

#: Longest side in pixels to which an image is reduced before its ink is searched. A digit that
#: fills a twentieth of a phone photo still has 25 pixels, more than the 20 that the network sees.
WORKING_SIDE = 256

#: Left, top, right and bottom as parts of the upright image's width and height.
Region = tuple[float, float, float, float]
WHOLE: Region = (0.0, 0.0, 1.0, 1.0)

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

# Exceptions that Pillow's parsers raise on bytes that do not match the header.
_DECODE_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    SyntaxError,
    EOFError,
    AttributeError,
    AssertionError,
    RuntimeError,
    LookupError,
    ArithmeticError,
    struct.error,
    zlib.error,
)

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def _reporting_errors(
    work: Callable[_Parameters, _Result],
) -> Callable[_Parameters, _Result]:
    """Decorate a function so that Pillow's exceptions become an `ImageError`."""

    @wraps(work)
    def reporting(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        try:
            return work(*args, **kwargs)
        except MemoryError:
            error: ImageError | None = None
        except Image.DecompressionBombError as bomb:
            error = too_many_pixels(bomb)
        except _DECODE_ERRORS as cause:
            # Pillow's own message names the object that it read from, address included.
            unknown = isinstance(cause, UnidentifiedImageError)
            why = "its header makes no sense" if unknown else cause
            error = DamagedImage(
                f"The picture is cut off or damaged ({why}). "
                "Open it in a picture viewer, save it again and send the new file."
            )
        # Raised outside of `except`: the traceback of the cause holds all that was decoded so far.
        raise error or TooComplex(
            "The image takes more memory to decode than the service has. Open it in an image "
            "editor, save it as a smaller PNG or JPEG and send the new file."
        )

    return reporting


class DecodedImage:
    """Decoded image, held in memory until it is closed.

    Attributes:
        longest: Longer side of the image in the file, in pixels.
        is_full_scale: Whether it was not reduced while it was decoded.
    """

    def __init__(
        self,
        image: Image.Image,
        longest: int,
        orientation: int = 1,
        resources: ExitStack | None = None,
    ) -> None:
        self._image, self._orientation, self._resources = image, orientation, resources
        self.longest = longest
        self.is_full_scale = max(image.size) == longest

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        # Pillow's WebP decoder keeps its canvases as long as its image exists.
        self._image.close()
        del self._image
        if self._resources:
            self._resources.close()

    @_reporting_errors
    def cut(self, region: Region = WHOLE) -> Pixels:
        """Return the pixels of `region`, upright, its longer side at most `WORKING_SIDE`.

        Returns:
            (height, width) uint8, or (3, height, width) where coloured.
        """
        box = _box(region, self._image.size, self._orientation)
        plain = to_plain_mode(self._image, box, WORKING_SIDE)
        return to_planes(rotate_upright(plain, self._orientation))


def decode(upload: bytes, deadline: Deadline, region: Region = WHOLE) -> DecodedImage:
    """Decode an image at the resolution that reading `region` needs, or a higher one.

    Raises:
        ImageError: The image is damaged, too large or in a format that is not read here.
        Busy: It is large, another one is being decoded and a third one waits.
    """
    if not _is_known_format(upload):
        raise UnsupportedImage(
            f"The file begins with {upload[:8]!r}, which is no picture format that is read here. "
            f"Send one of: {', '.join(FORMATS)}."
        )
    return _decode(upload, deadline, region)


@_reporting_errors
def _decode(upload: bytes, deadline: Deadline, region: Region) -> DecodedImage:
    if region == WHOLE and (decoded := decode_fast(upload, WORKING_SIDE)):
        return DecodedImage(*decoded)
    return decode_by_pillow(strip_metadata(upload), deadline, region)


def _is_known_format(upload: bytes) -> bool:
    brand = upload[8:12]
    return (
        upload.startswith(_SIGNATURES)
        or (upload.startswith(b"RIFF") and brand == b"WEBP")
        or (upload[4:8] == b"ftyp" and brand in _BRANDS)
    )


def decode_by_pillow(upload: bytes, deadline: Deadline, region: Region) -> DecodedImage:
    """Decode any image through Pillow's parsers; raise their exceptions as they are."""
    with ExitStack() as stack:
        if is_large := is_large_once_opened(upload):
            stack.enter_context(decode_slot())
        image = stack.enter_context(Image.open(Pieces(upload, deadline), formats=FORMATS))
        cost = check_cost(image, upload)
        longest = max(image.size)
        width, height = region[2] - region[0], region[3] - region[1]
        factor = math.ceil(max(image.width * width, image.height * height) / WORKING_SIDE)
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


def _box(region: Region, size: tuple[int, int], turned: int) -> ImageBox:
    """Map `region` of the upright image to pixels of the image as it is stored."""
    if region == WHOLE:
        return ImageBox(0, 0, *size)
    sides = (size if turned < 5 else size[::-1]) * 2
    left, top, right, bottom = (
        round(part * side) for part, side in zip(region, sides, strict=True)
    )
    if turned > 1:
        # Whole blocks only: the image is reduced before it is rotated, from another corner.
        factor = -(-max(right - left, bottom - top) // WORKING_SIDE)
        right -= (right - left) % factor
        bottom -= (bottom - top) % factor
    return to_stored_box(ImageBox(left, top, right, bottom), size, turned)
