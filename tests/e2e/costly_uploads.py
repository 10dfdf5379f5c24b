"""Uploads of a few megabytes at most that cost a decoder the most time or memory."""

import struct
import zlib

from PIL import Image

from tests.conftest import encode
from tests.drawing import draw_digit

_MEGABYTE = 1_000_000


def make_costly_uploads():
    """Return {media type and kind: the bytes of an upload}."""
    return {
        "image/jpeg": _jpeg_of_exif_segments(4 * _MEGABYTE),
        "image/png": _png_of_text_bombs(4_000),
        "image/tiff": _tiff_of_strips(3 * _MEGABYTE),
        "image/bmp": _bmp_of_short_rows(5_333, 12_000),
        "image/x-large-png": _large_png(8_000),
    }


def _jpeg_of_exif_segments(size):
    """Return a JPEG with thousands of Exif segments, which a reader joins one by one."""
    jpeg = encode(draw_digit(4, 28), "JPEG")
    payload = b"Exif\0\0" + bytes(500)
    segment = b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload
    return jpeg[:2] + segment * (size // len(segment)) + jpeg[2:]


def _png_of_text_bombs(count):
    """Return a PNG with texts of 1 kB that inflate to 1 MB each and then break off."""
    png = encode(draw_digit(4, 28))
    broken = zlib.compress(bytes(999_000), 9)[:-4] + b"\0\0\0\0"
    content = b"zTXt" + b"key\0\0" + broken
    text = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
    header_end = 8 + 25
    return png[:header_end] + text * count + png[header_end:]


def _tiff_of_strips(count):
    """Return a TIFF that announces millions of strips, each entry of its table one byte."""
    entries = [
        (256, 4, 1, 28),  # width
        (257, 4, 1, 28),  # height
        (258, 3, 1, 8),  # bits per sample
        (259, 3, 1, 1),  # no compression
        (262, 3, 1, 1),  # black is zero
        (273, 1, count, 8),  # strip offsets, from the first byte behind the header
        (277, 3, 1, 1),  # samples per pixel
        (278, 4, 1, 1),  # rows per strip
        (279, 1, count, 8),  # strip byte counts
    ]
    table = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    header = b"II*\0" + struct.pack("<I", 8 + count)
    return header + bytes(count) + struct.pack("<H", len(entries)) + table + bytes(4)


def _bmp_of_short_rows(width, height):
    """Return a BMP whose run-length rows hold one pixel each, so that the rest is filled up."""
    rows = b"\x01\x01\x00\x00" * height + b"\x00\x01"
    palette = bytes(4 * 256)
    offset = 14 + 40 + len(palette)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(rows), 0, 0, 256, 0)
    file = struct.pack("<2sIHHI", b"BM", offset + len(rows), 0, 0, offset)
    return file + info + palette + rows


def _large_png(side):
    """Return a valid image at the limit of pixels."""
    page = Image.new("L", (side, side), 255)
    page.paste(draw_digit(4, 1_000), (side // 3, side // 3))
    return encode(page)
