"""The bytes of an upload in, the picture's ink out.

Formats are told by content, never by name. Limits are checked on the header, before any pixel is
decoded; a large JPEG is decoded at reduced scale.
"""

from __future__ import annotations

import math
import struct
import warnings
import zlib
from collections.abc import Callable
from contextlib import ExitStack

from PIL import Image, UnidentifiedImageError

from dlflask.errors import DamagedImage, ImageError, TooComplex, UnsupportedImage
from dlflask.imaging.color_modes import to_plain_mode, to_planes
from dlflask.imaging.cost import check_cost, holds_much_once_opened, too_many_pixels
from dlflask.imaging.decode_limits import BYTES_PER_PIXEL, LARGE_BYTES
from dlflask.imaging.exif import orientation, rotate_upright, to_stored_box
from dlflask.imaging.fast_decode import read_plain
from dlflask.imaging.ink import extract_ink
from dlflask.imaging.large_images import turn_to_decode
from dlflask.imaging.metadata import strip_metadata
from dlflask.imaging.pieces import Deadline, Pieces
from dlflask.types import ImageBox, Ink, Pixels

try:
    import pillow_heif
except ImportError:
    pillow_heif = None

#: Pictures are reduced to this longest side before the ink is looked for: a digit that fills a
#: twentieth of a phone photo still has 25 pixels, more than the 20 that the network sees.
WORKING_SIDE = 256

#: A digit of fewer pixels than this, in a picture that was reduced so many times, is decoded again
#: from finer pixels: MNIST's 20 need 40 to be averaged from.
SMALL_DIGIT, MIN_REDUCTION = 40, 2.5

#: Finds an object: its ink, cut out, and the (row, column) of its upper left corner.
Locator = Callable[[Ink], tuple[Ink, tuple[int, int]]]

#: Left, top, right and bottom as parts of the picture's width and height.
Region = tuple[float, float, float, float]
WHOLE: Region = (0.0, 0.0, 1.0, 1.0)

#: How files begin: PNG, JPEG, GIF, BMP, TIFF in both byte orders and as BigTIFF.
_SIGNATURES = (
    *(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM"),
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
)

#: The brands of ISO media files that hold a still picture; mif1 and msf1 may be either format.
_BRANDS = {b"avif", b"avis", b"mif1", b"msf1"}

FORMATS = ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"]

if pillow_heif is not None:
    pillow_heif.register_heif_opener()
    FORMATS.append("HEIF")
    _BRANDS |= {b"heic", b"heix", b"heim", b"heis", b"hevc"}

# A damaged file is warned of tag by tag. Python would log each wording once and remember it for
# good: memory and a log that grow with what strangers send.
warnings.filterwarnings("ignore", module=r"PIL\.")

# What Pillow's parsers raise on bytes that are not what the header promised.
_DECODE_FAULTS = (
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


def read_ink(upload: bytes, locate: Locator | None = None) -> Ink:
    """Decode an image and separate its ink from its background.

    Args:
        upload: One of `FORMATS`; HEIC where `pillow-heif` is installed. Of an animation the
            first frame counts.
        locate: Finds the object to be read, which is decoded again at a higher resolution if it
            is small in a large image.

    Returns:
        (height, width) float32 in 0..1, ink = 1, paper = 0; height and width at most
        `WORKING_SIDE`, turned upright by EXIF.

    Raises:
        UnsupportedImage: The bytes do not begin like a picture of a known format.
        DamagedImage: They do, and the picture cannot be decoded.
        TooManyPixels: The header announces more than `limits` allow.
        TooComplex: Decoding takes more CPU time or memory than one image is given.
        Busy: It is large, another one is being decoded and a third one waits.
        BlankImage: The picture is one even surface.
    """
    if not _is_known_format(upload):
        raise UnsupportedImage(
            f"The file begins with {upload[:8]!r}, which is no picture format that is read here. "
            f"Send one of: {', '.join(FORMATS)}."
        )
    deadline = Deadline()
    pixels, reduction = _decode(upload, deadline)
    ink = extract_ink(pixels)
    region = _around_small_object(ink, locate) if locate and reduction >= MIN_REDUCTION else None
    if region is None:
        return ink
    # Decoding again takes as long, and some decoders cannot be stopped on the way.
    deadline.check(times=2)
    return extract_ink(_decode(upload, deadline, region)[0])


def _decode(upload: bytes, deadline: Deadline, region: Region = WHOLE) -> tuple[Pixels, float]:
    try:
        return _read(upload, deadline, region)
    except MemoryError:
        error: ImageError | None = None
    except Image.DecompressionBombError as fault:
        error = too_many_pixels(fault)
    except _DECODE_FAULTS as fault:
        # Pillow's own words name the object that it read from, address and all.
        why = "its header makes no sense" if isinstance(fault, UnidentifiedImageError) else fault
        error = DamagedImage(
            f"The picture is cut off or damaged ({why}). "
            "Open it in a picture viewer, save it again and send the new file."
        )
    # Raised out here: the fault's traceback, which is gone now, holds all that was decoded so far.
    raise error or TooComplex(
        "The image takes more memory to decode than the service has. Open it in an image editor, "
        "save it as a smaller PNG or JPEG and send the new file."
    )


def _is_known_format(upload: bytes) -> bool:
    brand = upload[8:12]
    return (
        upload.startswith(_SIGNATURES)
        or (upload.startswith(b"RIFF") and brand == b"WEBP")
        or (upload[4:8] == b"ftyp" and brand in _BRANDS)
    )


def _read(upload: bytes, deadline: Deadline, region: Region) -> tuple[Pixels, float]:
    """Decode, turn upright, cut out `region` and reduce it.

    Returns:
        (height, width) uint8, or (3, height, width) where coloured; and how often the longer
        side of the picture that was sent holds `WORKING_SIDE`.
    """
    if region == WHOLE and (plain := read_plain(upload, WORKING_SIDE)):
        picture, longest = plain
        reduced = to_plain_mode(picture, ImageBox(0, 0, *picture.size), WORKING_SIDE)
        return to_planes(reduced), longest / WORKING_SIDE
    return _read_any(strip_metadata(upload), deadline, region)


def _read_any(upload: bytes, deadline: Deadline, region: Region) -> tuple[Pixels, float]:
    """The same of any picture, as Pillow's parsers find it."""
    with ExitStack() as stack:
        if is_large := holds_much_once_opened(upload):
            stack.enter_context(turn_to_decode())
        picture = stack.enter_context(Image.open(Pieces(upload, deadline), formats=FORMATS))
        cost = check_cost(picture, upload)
        longest = max(picture.size)
        width, height = region[2] - region[0], region[3] - region[1]
        factor = math.ceil(max(picture.width * width, picture.height * height) / WORKING_SIDE)
        if factor > 1:
            # For JPEG only: the decoder then works at 1/2, 1/4 or 1/8 scale, many times faster.
            size = max(1, picture.width // factor), max(1, picture.height // factor)
            picture.draft(picture.mode, size)
        cost = max(cost, picture.width * picture.height * BYTES_PER_PIXEL)
        if not is_large and cost > LARGE_BYTES:
            stack.enter_context(turn_to_decode())
        # Loading may find the orientation behind the pixels (PNG) or carry it out (TIFF).
        picture.load()
        turned = orientation(picture)
        box = _box(region, picture.size, turned)
        plain = to_plain_mode(picture, box, WORKING_SIDE)
        if plain is not picture:
            picture.close()
        return to_planes(rotate_upright(plain, turned)), longest / WORKING_SIDE


def _box(region: Region, size: tuple[int, int], turned: int) -> ImageBox:
    """The pixels of `region`, a part of the upright picture, in the picture as it is stored."""
    if region == WHOLE:
        return ImageBox(0, 0, *size)
    sides = (size if turned < 5 else size[::-1]) * 2
    left, top, right, bottom = (
        round(part * side) for part, side in zip(region, sides, strict=True)
    )
    if turned > 1:
        # Whole blocks only: the picture is reduced before it is turned, from its other corner.
        factor = -(-max(right - left, bottom - top) // WORKING_SIDE)
        right -= (right - left) % factor
        bottom -= (bottom - top) % factor
    return to_stored_box(ImageBox(left, top, right, bottom), size, turned)


def _around_small_object(ink: Ink, locate: Locator) -> Region | None:
    """Return the part of the image around an object that needs a higher resolution."""
    digit, (top, left) = locate(ink)
    longest = max(digit.shape)
    if longest >= SMALL_DIGIT:
        return None
    height, width = ink.shape
    middle_y, middle_x = top + digit.shape[0] / 2, left + digit.shape[1] / 2
    return (
        max(0.0, (middle_x - 2 * longest) / width),
        max(0.0, (middle_y - 2 * longest) / height),
        min(1.0, (middle_x + 2 * longest) / width),
        min(1.0, (middle_y + 2 * longest) / height),
    )
