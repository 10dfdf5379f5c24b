"""The bytes of a plain PNG or JPEG in, its pixels out, by Pillow's decoders without its parsers.

The parsers take a file apart in Python, for all that a format allows: two thirds of the time that a
small picture takes. What drawing programs, browsers and scanners write needs little of that, and
whatever is not as plain as this is left to the parsers, with its faults. What both can read gives
the same pixels.
"""

from __future__ import annotations

import struct
import zlib

from PIL import Image

#: Larger pictures take milliseconds, of which the parser's part is small; they have limits of
#: their own.
MAX_PIXELS = 1 << 20

#: A megapixel in chunks of 8 kB, a common size, is some hundreds; JPEG headers have about ten.
MAX_PIECES = 1_000

#: Every PNG begins so: the signature, and the length and name of its first chunk.
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_JPEG = b"\xff\xd8\xff"

#: Pillow's mode for PNG's types of colour, of 8 bits, and for a JPEG's number of components.
_MODE_OF_COLOUR = {0: "L", 2: "RGB", 6: "RGBA"}
_MODE_OF_COMPONENTS = {1: "L", 3: "RGB"}

#: These change nothing of the pixels here, and nothing can be hidden in them that does.
_IDLE_CHUNKS = {b"cHRM", b"gAMA", b"pHYs", b"sBIT", b"sRGB", b"tIME"}

#: Huffman tables, quantisation, restarts, JFIF, comment: the decoder's to read, or nobody's.
_OTHER_SEGMENTS = {0xFFC4, 0xFFDB, 0xFFDD, 0xFFE0, 0xFFFE}
_BASELINE_FRAME, _SCAN = 0xFFC0, 0xFFDA
_NO_FRAME = (0, 0, 0, 0)

_read_header = struct.Struct(">II5BI").unpack_from
_read_chunk = struct.Struct(">I4s").unpack_from
_read_segment = struct.Struct(">HH").unpack_from
_read_frame = struct.Struct(">BHHB").unpack_from


def read_plain(upload: bytes, side: int) -> tuple[Image.Image, int] | None:
    """Decode a PNG or JPEG of at most `MAX_PIXELS` in which nothing is out of the ordinary.

    Args:
        upload: Of any format.
        side: A JPEG with a longer side is decoded at 1/2, 1/4 or 1/8 scale, as far as that goes
            without falling below `side`; as `Image.draft` does.

    Returns:
        The picture, of mode L, RGB or RGBA, and its longest side before it was reduced; None for
        anything that is not so plain, or damaged.

    Source: PNG, third edition, W3C 2025, 5; ITU-T T.81, 1992, B.1 and B.2.
    """
    try:
        if upload.startswith(_PNG):
            return _read_png(upload)
        if upload.startswith(_JPEG):
            return _read_jpeg(upload, side)
    except (ValueError, struct.error):
        pass  # Cut off or damaged: Pillow's parser says how.
    return None


def _read_png(upload: bytes) -> tuple[Image.Image, int] | None:
    width, height, depth, colour, *methods, crc = _read_header(upload, 16)
    mode = _MODE_OF_COLOUR.get(colour)
    # Compression, filter and interlacing are 0 in a plain file.
    if mode is None or depth != 8 or any(methods) or not 0 < width * height <= MAX_PIXELS:
        return None
    data = _compressed(upload) if crc == zlib.crc32(upload[12:29]) else None
    if data is None:
        return None
    return Image.frombytes(mode, (width, height), data, "zip", mode, 0), max(width, height)


def _compressed(upload: bytes) -> bytes | None:
    """The contents of the IDAT chunks; None where there is a chunk that may matter."""
    pieces, position = [], 33
    for _ in range(MAX_PIECES):
        length, kind = _read_chunk(upload, position)
        end = position + 8 + length
        if kind == b"IDAT":
            pieces.append(upload[position + 8 : end])
        elif kind == b"IEND":
            return b"".join(pieces)
        elif kind not in _IDLE_CHUNKS or not _is_sound(upload, position, end):
            return None
        position = end + 4
    return None


def _is_sound(upload: bytes, start: int, end: int) -> bool:
    return zlib.crc32(upload[start + 4 : end]) == int.from_bytes(upload[end : end + 4])


def _read_jpeg(upload: bytes, side: int) -> tuple[Image.Image, int] | None:
    depth, height, width, components = _frame(upload)
    mode = _MODE_OF_COMPONENTS.get(components)
    if mode is None or depth != 8 or not 0 < width * height <= MAX_PIXELS:
        return None
    scale = _scale(width, height, side)
    size = -(-width // scale), -(-height // scale)
    return Image.frombytes(mode, size, upload, "jpeg", mode, "", scale, 0), max(width, height)


def _frame(upload: bytes) -> tuple[int, int, int, int]:
    """Bits, height, width and components of a JPEG of one scan; four zeros for any other."""
    frame, position = _NO_FRAME, 2
    for _ in range(MAX_PIECES):
        marker, length = _read_segment(upload, position)
        if marker == _SCAN:
            # Every further scan would go over all pixels again.
            return frame if upload.count(b"\xff\xda", position) == 1 else _NO_FRAME
        if marker == _BASELINE_FRAME and frame is _NO_FRAME:
            frame = _read_frame(upload, position + 4)
        elif marker not in _OTHER_SEGMENTS:
            return _NO_FRAME
        position += 2 + length
    return _NO_FRAME


def _scale(width: int, height: int, side: int) -> int:
    """The divisor at which Pillow's `draft` decodes for a longer side of `side`."""
    factor = -(-max(width, height) // side)
    times = min(width // max(1, width // factor), height // max(1, height // factor))
    return next(scale for scale in (8, 4, 2, 1) if scale <= times)
