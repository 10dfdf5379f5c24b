"""Decode a simple PNG or JPEG by Pillow's decoders, without Pillow's parsers.

Pillow's parsers are slow, because they are written in Python and read all features of a format.
This module reads only the few features that drawing programs, browsers and scanners use. The
parsers read all other files and damaged files. If this module and the parsers can read the same
file, both return the same pixels.
"""

from __future__ import annotations

import struct
import zlib

from PIL import Image

#: Maximum number of pixels of an image. Larger images are left to Pillow's parser. Parsing takes
#: only a small part of their time, and the code that calls the parser checks `decode_limits`.
MAX_PIXELS = 1 << 20

#: Maximum number of chunks of a PNG, or of segments of a JPEG. A PNG of one megapixel in chunks of
#: 8 kB, a common size, has a few hundred chunks.
MAX_PIECES = 1_000

#: First bytes of every PNG (signature, length and name of the first chunk), and of every JPEG.
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_JPEG = b"\xff\xd8\xff"

#: Pillow's mode for each colour type of a PNG with 8 bits, and for each number of components of a
#: JPEG.
_MODE_OF_COLOUR = {0: "L", 2: "RGB", 6: "RGBA"}
_MODE_OF_COMPONENTS = {1: "L", 3: "RGB"}

#: Chunks that are ignored, because they change neither the pixels nor the orientation.
_IGNORED_CHUNKS = {b"cHRM", b"gAMA", b"pHYs", b"sBIT", b"sRGB", b"tIME"}

#: Markers of the segments that are accepted besides the frame and the scan: Huffman tables,
#: quantisation tables, interval of restarts, JFIF, comment.
_OTHER_SEGMENTS = {0xFFC4, 0xFFDB, 0xFFDD, 0xFFE0, 0xFFFE}

#: Markers of the frame (the header of the image) in a baseline JPEG, and of a scan.
_BASELINE_FRAME, _SCAN = 0xFFC0, 0xFFDA

#: Result of `_frame` for a JPEG that is left to the parser.
_NO_FRAME = (0, 0, 0, 0)

_read_header = struct.Struct(">II5BI").unpack_from
_read_chunk = struct.Struct(">I4s").unpack_from
_read_segment = struct.Struct(">HH").unpack_from
_read_frame = struct.Struct(">BHHB").unpack_from


def decode_fast(upload: bytes, side: int) -> tuple[Image.Image, int] | None:
    """Decode a PNG or JPEG of at most `MAX_PIXELS` that uses only common features.

    Args:
        upload: File of any format.
        side: A JPEG is decoded at 1/2, 1/4 or 1/8 scale if its longer side then still has at
            least about `side` pixels. `Image.draft` does the same.

    Returns:
        The image, of mode L, RGB or RGBA, and its longer side in pixels before it was reduced.
        None if the file has another format, uses other features or is damaged.

    Source: PNG, third edition, W3C 2025, section 5; ITU-T T.81, 1992, sections B.1 and B.2.
    """
    try:
        if upload.startswith(_PNG):
            return _decode_png(upload)
        if upload.startswith(_JPEG):
            return _decode_jpeg(upload, side)
    except (ValueError, struct.error):
        pass  # The file is damaged. Pillow's parser reports the damage later.
    return None


def _decode_png(upload: bytes) -> tuple[Image.Image, int] | None:
    width, height, depth, colour, *methods, crc = _read_header(upload, 16)
    mode = _MODE_OF_COLOUR.get(colour)
    # `methods` are the methods of compression, filtering and interlacing, 0 in a simple file.
    if mode is None or depth != 8 or any(methods) or not 0 < width * height <= MAX_PIXELS:
        return None
    data = _compressed(upload) if crc == zlib.crc32(upload[12:29]) else None
    if data is None:
        return None
    return Image.frombytes(mode, (width, height), data, "zip", mode, 0), max(width, height)


def _compressed(upload: bytes) -> bytes | None:
    """Return the contents of the IDAT chunks, or None if another chunk may change the pixels."""
    pieces, position = [], 33
    for _ in range(MAX_PIECES):
        length, kind = _read_chunk(upload, position)
        end = position + 8 + length
        if kind == b"IDAT":
            pieces.append(upload[position + 8 : end])
        elif kind == b"IEND":
            return b"".join(pieces)
        elif kind not in _IGNORED_CHUNKS or not _has_right_checksum(upload, position, end):
            return None
        position = end + 4
    return None


def _has_right_checksum(upload: bytes, start: int, end: int) -> bool:
    return zlib.crc32(upload[start + 4 : end]) == int.from_bytes(upload[end : end + 4])


def _decode_jpeg(upload: bytes, side: int) -> tuple[Image.Image, int] | None:
    depth, height, width, components = _frame(upload)
    mode = _MODE_OF_COMPONENTS.get(components)
    if mode is None or depth != 8 or not 0 < width * height <= MAX_PIXELS:
        return None
    scale = _scale(width, height, side)
    size = -(-width // scale), -(-height // scale)
    return Image.frombytes(mode, size, upload, "jpeg", mode, "", scale, 0), max(width, height)


def _frame(upload: bytes) -> tuple[int, int, int, int]:
    """Return bits per component, height, width and number of components of a JPEG with one scan.

    For any other JPEG, return zeros.
    """
    frame, position = _NO_FRAME, 2
    for _ in range(MAX_PIECES):
        marker, length = _read_segment(upload, position)
        if marker == _SCAN:
            # Leave a JPEG with several scans to the parser: each scan goes over all pixels again,
            # so the limits must be checked.
            return frame if upload.count(b"\xff\xda", position) == 1 else _NO_FRAME
        if marker == _BASELINE_FRAME and frame is _NO_FRAME:
            frame = _read_frame(upload, position + 4)
        elif marker not in _OTHER_SEGMENTS:
            return _NO_FRAME
        position += 2 + length
    return _NO_FRAME


def _scale(width: int, height: int, side: int) -> int:
    """Return the factor by which Pillow's `draft` reduces the longer side to `side` pixels."""
    factor = -(-max(width, height) // side)
    times = min(width // max(1, width // factor), height // max(1, height // factor))
    return next(scale for scale in (8, 4, 2, 1) if scale <= times)
