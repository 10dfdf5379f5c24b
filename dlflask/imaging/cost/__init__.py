"""Estimate the memory and time that decoding an image takes, from its header.

`check_cost` rejects images that exceed `decode_limits`.
"""

from __future__ import annotations

import re

from PIL import Image

from dlflask.errors import TooComplex, TooManyPixels
from dlflask.imaging.cost.av1_frames import coded_pixels
from dlflask.imaging.cost.hevc_frames import heic_cost
from dlflask.imaging.cost.jpeg_scans import count_scans, rows_of_scan
from dlflask.imaging.cost.tiff_tags import decoded_size
from dlflask.imaging.cost.webp_tables import estimate_tables
from dlflask.imaging.decode_limits import (
    BYTES_PER_DEEP_HEIF_PIXEL,
    BYTES_PER_DEEP_PIXEL,
    BYTES_PER_OPACITY_PIXEL,
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
from dlflask.imaging.formats.invalid_file import InvalidFile
from dlflask.imaging.metadata.webp import canvas_pixels

#: BMP's numbers for run-length encoding with 8 and with 4 bits per pixel.
_RLE = (1, 2)


def check_cost(image: Image.Image, upload: bytes) -> int:
    """Check the cost of an image, and return the memory in bytes that decoding at full scale takes.

    Args:
        image: Image that Pillow has opened, but not yet loaded.
        upload: The file of `image`, without the metadata that decoding does not need.

    Raises:
        InvalidFile: The image is empty or has too many scans, or the size of the coded image
            differs from the size in the header.
        TooManyPixels: The image has too many pixels.
        TooComplex: The image is a lossless WebP whose decoding tables take too much memory.
    """
    width, height = decoded_size(image)
    if min(image.size) < 1:
        raise InvalidFile(f"its size is {image.width} x {image.height}; expected at least 1 x 1")
    scans = count_scans(image, upload)
    bytes_per_pixel = _bytes_per_pixel(image, scans)
    if image.format == "HEIF":
        return _check_heic(image, upload)
    limit = _max_pixels(image, bytes_per_pixel)
    if height > MAX_ROWS:
        raise TooManyPixels(
            f"The image is {width} x {height} pixels; the limit is {MAX_ROWS:,} rows. Send an "
            "image with fewer rows."
        )
    if width * height > limit:
        raise _too_large(image, width * height, limit)
    if scans > 1 and scans * width * rows_of_scan(image, height) > MAX_SCANNED_PIXELS:
        max_scans = MAX_SCANNED_PIXELS // (width * rows_of_scan(image, height))
        raise InvalidFile(f"it has {scans} scans; the limit for its size is {max_scans}")
    cost = width * height * bytes_per_pixel + height * BYTES_PER_ROW
    if image.format == "WEBP":
        cost += _check_tables(image, upload, cost)
    if image.format == "AVIF":
        pixels = coded_pixels(upload, image.size)
        # If the size of the coded images is unknown, the image counts as large.
        cost = max(cost, LARGE_BYTES + 1 if pixels is None else pixels * bytes_per_pixel)
    return cost


def _check_heic(image: Image.Image, upload: bytes) -> int:
    """Check the cost of a HEIC, and return the memory in bytes that decoding takes."""
    cost = heic_cost(upload)
    bytes_per_pixel = BYTES_PER_DEEP_HEIF_PIXEL if cost.is_deep else BYTES_PER_PIXEL_OF["HEIF"]
    bytes_per_pixel += BYTES_PER_OPACITY_PIXEL if cost.has_opacity else 0
    limit = MAX_DECODED_BYTES // bytes_per_pixel
    if cost.pixels > limit:
        raise _too_large(image, cost.pixels, limit)
    return cost.pixels * bytes_per_pixel


def _too_large(image: Image.Image, pixels: int, limit: int) -> TooManyPixels:
    width, height = image.size
    name = "HEIC" if image.format == "HEIF" else image.format
    return TooManyPixels(
        f"The image is {width} x {height} = {pixels / 1e6:.0f} megapixels; the limit is "
        f"{limit / 1e6:.0f} for this kind of {name}. Send a smaller image."
    )


def _check_tables(image: Image.Image, upload: bytes, cost: int) -> int:
    """Return the memory in bytes of a WebP's decoding tables, without the `cost` of the pixels.

    Raises:
        TooComplex: The pixels and the tables together take too much memory.
    """
    tables = estimate_tables(upload, image.width * image.height, MAX_WEBP_BYTES - cost)
    if cost + tables > MAX_WEBP_BYTES:
        raise TooComplex(
            f"The image is a lossless WebP of {image.width} x {image.height} pixels, which may "
            f"take {(cost + tables) / 1e6:.0f} MB to decode; the limit is "
            f"{MAX_WEBP_BYTES / 1e6:.0f} MB. Save the image as a PNG and send that file."
        )
    return tables


def is_large_once_opened(upload: bytes) -> bool:
    """Return True for a large WebP. Pillow allocates its pixels already when it opens the file."""
    is_webp = upload.startswith(b"RIFF")
    return is_webp and canvas_pixels(upload) * BYTES_PER_PIXEL_OF["WEBP"] > LARGE_BYTES


def too_many_pixels(bomb: Image.DecompressionBombError) -> TooManyPixels:
    """Return the error of this service for Pillow's `DecompressionBombError`."""
    found = re.search(r"\d+", str(bomb))
    received = f"{int(found[0]) / 1e6:.0f}" if found else f"over {MAX_PIXELS / 1e6:.0f}"
    return TooManyPixels(
        f"The image has {received} megapixels; the limit is {MAX_PIXELS / 1e6:.0f}. "
        "Send a smaller image."
    )


def _max_pixels(image: Image.Image, bytes_per_pixel: int) -> int:
    if image.format == "BMP" and image.info.get("compression") in _RLE:
        return MAX_RLE_PIXELS
    return min(MAX_PIXELS, MAX_DECODED_BYTES // bytes_per_pixel) if bytes_per_pixel else MAX_PIXELS


def _bytes_per_pixel(image: Image.Image, scans: int) -> int:
    """Return the memory in bytes per pixel that decoding at full scale takes.

    Return 0 for a JPEG with one scan: it takes little memory, because Pillow reduces it while
    decoding.
    """
    if image.format in ("JPEG", "MPO"):
        return BYTES_PER_PROGRESSIVE_PIXEL if scans > 1 else 0
    if image.format == "TIFF" and image.mode in ("1", "L", "P"):
        # A TIFF with one channel takes less memory than other TIFFs. Pages scanned at 600 dpi have
        # 35 megapixels and must be accepted.
        return BYTES_PER_PIXEL
    if image.format == "PNG" and image.mode != "I;16" and _is_deep(image):
        return BYTES_PER_DEEP_PIXEL
    return BYTES_PER_PIXEL_OF.get(image.format or "", BYTES_PER_PIXEL)


def _is_deep(image: Image.Image) -> bool:
    """Return True if a PNG file has 16 bits per channel, which Pillow reduces to 8."""
    return any(str(tile[3]).endswith(";16B") for tile in getattr(image, "tile", ()))
