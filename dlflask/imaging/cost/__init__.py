"""What decoding an image costs in memory and scans, told from its header."""

from __future__ import annotations

import os
import re

from PIL import AvifImagePlugin, Image

from dlflask.errors import TooComplex, TooManyPixels
from dlflask.imaging.cost.av1_frames import coded_pixels
from dlflask.imaging.cost.webp_tables import estimate_tables
from dlflask.imaging.decode_limits import (
    BYTES_PER_DEEP_PIXEL,
    BYTES_PER_PIXEL,
    BYTES_PER_PIXEL_OF,
    BYTES_PER_PROGRESSIVE_PIXEL,
    BYTES_PER_ROW,
    LARGE_BYTES,
    MAX_DECODED_BYTES,
    MAX_PIXELS,
    MAX_RLE_PIXELS,
    MAX_ROWS,
    MAX_SCANNED_PIXELS,
    MAX_WEBP_BYTES,
)
from dlflask.imaging.metadata.jpeg import first_scan
from dlflask.imaging.metadata.webp import canvas_pixels

#: A start of scan: the length that belongs to 1, 2, 3 or 4 components, and their number.
_SCAN = re.compile(rb"\xff\xda\x00(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")

#: Run-length encoding of 8 and of 4 bits per pixel.
_RLE = (1, 2)

_TIFF_JPEG = ("jpeg", "tiff_jpeg")
_TIFF_ROWS_PER_STRIP, _TIFF_TILE_WIDTH, _TIFF_TILE_HEIGHT = 278, 322, 323

# Pillow checks wherever it makes room for pixels, and refuses at twice this: some formats make room
# while the header is read, where check_cost has not been asked yet.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2
# Read by libjpeg: a file of many scans that hides them from Pillow is cut off at so many bytes.
os.environ.setdefault("JPEGMEM", f"{MAX_DECODED_BYTES // 1_000_000}m")
# One process per CPU decodes already; each thread would hold buffers of its own.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def check_cost(picture: Image.Image, upload: bytes) -> int:
    """Refuse what costs too much; return the bytes that decoding will hold at full scale.

    Args:
        picture: Opened, not loaded.
        upload: Its file, without the metadata that decoding does not need.

    Raises:
        ValueError: The image has no pixels, or too many scans.
        TooManyPixels: It has too many.
    """
    width, height = picture.size
    if width < 1 or height < 1:
        raise ValueError(f"its size is {width} x {height}")
    if picture.format == "TIFF":
        # A file may announce tiles larger than the picture, and libtiff decodes them whole.
        width = max(width, _tag(picture, _TIFF_TILE_WIDTH, 0))
        height = max(height, _tag(picture, _TIFF_TILE_HEIGHT, 0))
    scans = _count_scans(picture, upload)
    each = _bytes_per_pixel(picture, scans)
    cost = width * height * each + height * BYTES_PER_ROW
    limit = _max_pixels(picture, each)
    if width * height > limit or height > MAX_ROWS:
        raise TooManyPixels(
            f"The picture is {width} x {height} = {width * height / 1e6:.0f} megapixels; the "
            f"limit is {limit / 1e6:.0f} for this kind of {picture.format}. "
            "Send a smaller picture."
        )
    if picture.format == "WEBP":
        cost += estimate_tables(upload, width * height, MAX_WEBP_BYTES - cost)
    if cost > MAX_WEBP_BYTES:
        raise TooComplex(
            f"The image is a lossless WebP of {width} x {height} pixels, which may take "
            f"{cost / 1e6:.0f} MB to decode; the limit is {MAX_WEBP_BYTES / 1e6:.0f}. "
            "Save it as a PNG and send that."
        )
    if picture.format in ("AVIF", "HEIF"):
        pixels = coded_pixels(upload, picture.size)
        # Where the real size is not known, the image is decoded like a large one.
        cost = max(cost, LARGE_BYTES + 1 if pixels is None else pixels * each)
    if scans > 1 and scans * width * _rows_of_a_scan(picture, height) > MAX_SCANNED_PIXELS:
        raise ValueError(f"it has {scans} scans")
    return cost


def holds_much_once_opened(upload: bytes) -> bool:
    """Whether the decoder allocates a large image as soon as Pillow opens the file: WebP's does."""
    is_webp = upload.startswith(b"RIFF")
    return is_webp and canvas_pixels(upload) * BYTES_PER_PIXEL_OF["WEBP"] > LARGE_BYTES


def too_many_pixels(fault: Image.DecompressionBombError) -> TooManyPixels:
    """Pillow's refusal in the words of this service."""
    found = re.search(r"\d+", str(fault))
    came = f"{int(found[0]) / 1e6:.0f}" if found else f"over {MAX_PIXELS / 1e6:.0f}"
    return TooManyPixels(
        f"The picture has {came} megapixels; the limit is {MAX_PIXELS / 1e6:.0f}. "
        "Send a smaller picture."
    )


def _max_pixels(picture: Image.Image, bytes_per_pixel: int) -> int:
    if picture.format == "BMP" and picture.info.get("compression") in _RLE:
        return MAX_RLE_PIXELS
    return min(MAX_PIXELS, MAX_DECODED_BYTES // bytes_per_pixel) if bytes_per_pixel else MAX_PIXELS


def _bytes_per_pixel(picture: Image.Image, scans: int) -> int:
    """Return what decoding holds at full scale; 0 for a JPEG of one scan, reduced meanwhile."""
    if picture.format in ("JPEG", "MPO"):
        return BYTES_PER_PROGRESSIVE_PIXEL if scans > 1 else 0
    if picture.format == "TIFF" and picture.mode in ("1", "L", "P"):
        return BYTES_PER_PIXEL  # scans of documents, at 600 dpi 35 megapixels
    if picture.format == "PNG" and picture.mode != "I;16" and _is_deep(picture):
        return BYTES_PER_DEEP_PIXEL
    return BYTES_PER_PIXEL_OF.get(picture.format or "", BYTES_PER_PIXEL)


def _is_deep(picture: Image.Image) -> bool:
    """Whether a PNG has 16 bits per sample, of which Pillow keeps 8."""
    return any(str(tile[3]).endswith(";16B") for tile in getattr(picture, "tile", ()))


def _count_scans(picture: Image.Image, upload: bytes) -> int:
    """Return the number of scans that the decoder goes through, 0 for a format without them.

    libjpeg keeps the coefficients of all scans if the first lacks a component or refines later;
    otherwise it stops after the first.
    """
    if picture.format == "TIFF":
        # One or more in each strip.
        return len(_SCAN.findall(upload)) if picture.info.get("compression") in _TIFF_JPEG else 0
    if picture.format not in ("JPEG", "MPO"):
        return 0
    start = first_scan(upload)
    components = upload[start + 4] if start + 4 < len(upload) else 0
    if components >= getattr(picture, "layers", 1) and not picture.info.get("progressive"):
        return 1
    return max(2, len(_SCAN.findall(upload, start)))


def _rows_of_a_scan(picture: Image.Image, height: int) -> int:
    """Return how many rows of pixels one scan goes over: of a TIFF those of a strip or tile."""
    if picture.format != "TIFF":
        return height
    rows = _tag(picture, _TIFF_TILE_HEIGHT, _tag(picture, _TIFF_ROWS_PER_STRIP, height))
    return max(1, min(height, rows))


def _tag(picture: Image.Image, tag: int, default: int) -> int:
    value = getattr(picture, "tag_v2", {}).get(tag, default)
    return value if isinstance(value, int) else default
