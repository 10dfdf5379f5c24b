"""The bytes of an upload in, the picture's ink out. The only module that knows Pillow.

Formats are told by content, never by name. Limits are checked on the header, before any pixel is
decoded; a large JPEG is decoded at reduced scale.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image, ImageChops

from dlflask.errors import DamagedImage, TooManyPixels, UnsupportedImage
from dlflask.ink import Ink, Pixels, extract_ink

#: More than any phone camera takes (50 megapixels), far less than a decompression bomb.
MAX_PIXELS = 64_000_000

#: Pictures are reduced to this longest side before the ink is looked for: a digit that fills a
#: twentieth of a phone photo still has 25 pixels, more than the 20 that the network sees.
WORKING_SIDE = 256

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")

# Pillow's own limit would hide the picture's size in its message; _check_size stands in for it.
Image.MAX_IMAGE_PIXELS = None

# PNG, JPEG, GIF, BMP, TIFF and BigTIFF; WebP and AVIF hold theirs further in.
_SIGNATURES = (
    *(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM"),
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
)

# What Pillow's parsers raise on bytes that are not what the header promised.
_DECODE_FAULTS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    TypeError,
    IndexError,
    KeyError,
    OverflowError,
    struct.error,
    zlib.error,
)


#: What undoes each EXIF orientation.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode_image(upload: bytes) -> Ink:
    """Decode a picture and separate its ink from its paper.

    Args:
        upload: PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF. Of an animation the first frame counts.

    Returns:
        (height, width) float32 in 0..1, ink = 1, paper = 0; height and width at most
        `WORKING_SIDE`, turned upright by EXIF.

    Raises:
        UnsupportedImage: The bytes do not begin like a picture of a known format.
        DamagedImage: They do, and the picture cannot be decoded.
        TooManyPixels: The header announces more than `MAX_PIXELS`.
        BlankImage: The picture is one even surface.
    """
    if not _is_known_format(upload):
        raise UnsupportedImage(
            f"The file begins with {upload[:8]!r}, which is no picture format that is read here. "
            f"Send one of: {', '.join(FORMATS)}."
        )
    try:
        with Image.open(BytesIO(upload), formats=FORMATS) as picture:
            _check_size(picture.width, picture.height)
            return extract_ink(_to_pixels(picture))
    except _DECODE_FAULTS as fault:
        raise DamagedImage(
            f"The picture is cut off or damaged ({fault}). "
            "Open it in a picture viewer, save it again and send the new file."
        ) from fault


def _is_known_format(upload: bytes) -> bool:
    return (
        upload.startswith(_SIGNATURES)
        or (upload[:4] == b"RIFF" and upload[8:12] == b"WEBP")
        or (upload[4:8] == b"ftyp" and b"avi" in upload[8:64])
    )


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise ValueError(f"its size is {width} x {height}")
    if width * height > MAX_PIXELS:
        raise TooManyPixels(
            f"The picture is {width} x {height} = {width * height / 1e6:.0f} megapixels; the "
            f"limit is {MAX_PIXELS / 1e6:.0f}. Send a smaller picture."
        )


def _to_pixels(picture: Image.Image) -> Pixels:
    """Decode, reduce and turn upright: (height, width), or (3, height, width) where coloured."""
    factor = -(-max(picture.size) // WORKING_SIDE)
    if factor > 1:
        # For JPEG only: the decoder then works at 1/2, 1/4 or 1/8 scale, many times faster.
        picture.draft(picture.mode, (picture.width // factor, picture.height // factor))
    plain = _to_plain_mode(picture)
    factor = -(-max(plain.size) // WORKING_SIDE)
    if factor > 1:
        plain = plain.reduce(factor)
    turn = _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    if turn is not None:
        plain = plain.transpose(turn)
    return _to_planes(plain)


def _to_planes(plain: Image.Image) -> Pixels:
    if plain.mode == "L":
        return np.asarray(plain)
    red, green, blue = bands = plain.split()
    if ImageChops.difference(red, green).getbbox() or ImageChops.difference(red, blue).getbbox():
        return np.stack([np.asarray(band) for band in bands])
    return np.asarray(red)


def _to_plain_mode(picture: Image.Image) -> Image.Image:
    """The same picture as mode L or RGB, with transparency laid on paper."""
    if picture.mode.startswith(("I", "F")):
        return _to_eight_bits(picture)
    if picture.has_transparency_data:
        return _lay_on_paper(picture.convert("RGBA"))
    if picture.mode in ("1", "L"):
        return picture.convert("L")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _to_eight_bits(picture: Image.Image) -> Image.Image:
    """16-bit, 32-bit and float grey scaled by their own range: Pillow's convert would clip."""
    values = np.asarray(picture).astype(np.float32)
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    peak = float(values.max())
    full = next((level for level in (1.0, 255.0, 65_535.0) if peak <= level), peak)
    grey = np.clip(values * (255 / full), 0, 255).round().astype(np.uint8)
    return Image.fromarray(grey)


def _lay_on_paper(picture: Image.Image) -> Image.Image:
    """Lay a transparent picture on white or black, whichever its own colours stand out from."""
    *colours, opacity = (np.asarray(band, np.float32) for band in picture.split())
    weight = opacity.sum()
    brightness = sum(float((c * opacity).sum()) for c in colours) / (3 * weight) if weight else 0.0
    paper = Image.new("RGBA", picture.size, "white" if brightness < 128 else "black")
    paper.alpha_composite(picture)
    return paper.convert("RGB")
