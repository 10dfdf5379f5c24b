"""Read the size of the coded images in an AVIF, because the file's header may say a smaller size.

Source: AV1 Bitstream & Decoding Process, AOMedia 2019, sections 5.3 and 5.5.
"""

from __future__ import annotations

import struct

from dlflask.imaging.decode_limits import MAX_FRAME_PADDING, MAX_PIECES
from dlflask.imaging.formats.invalid_file import InvalidFile
from dlflask.imaging.iso_media.boxes import Span, find_boxes, unique
from dlflask.imaging.iso_media.items import item_extents, item_kinds

#: Width and height in pixels.
Size = tuple[int, int]

#: An AV1 image consists of OBUs (open bitstream units). Masks for the first byte of an OBU: bits
#: that must be 0, flag of a second header byte, flag of a size.
_FORBIDDEN, _HAS_EXTENSION, _HAS_SIZE = 0x81, 4, 2

#: Kind of the OBU that is the sequence header. It contains the size of the image.
_SEQUENCE_HEADER = 1

#: Bits in the first byte of a sequence header that mark a still image with a reduced header.
_REDUCED_STILL = 0x18


def frame_sizes(upload: bytes) -> list[Size]:
    """Return the size of each AV1 image in the file: colours, and perhaps opacity and thumbnail.

    This function reads only files of one still image with reduced headers, as libavif writes them.
    In files with full headers, a frame may be larger than its sequence header announces.

    Raises:
        ValueError, LookupError, struct.error: The sizes cannot be known before decoding.
    """
    top = find_boxes(upload, (0, len(upload)), {b"meta", b"moov"})
    if b"moov" in top:
        raise ValueError("the file is an animation; expected a still image")
    start, end = top[b"meta"]
    parts = find_boxes(upload, (start + 4, end), {b"iinf", b"iloc"})
    kinds = unique(item_kinds(upload, parts[b"iinf"]))
    coded = [item for item, kind in kinds.items() if kind == b"av01"]
    if b"grid" in kinds.values():
        raise ValueError("the image has several tiles; expected one AV1 image")
    if not coded:
        raise ValueError("the image is not coded in AV1")
    extents = item_extents(upload, parts[b"iloc"])
    return [_frame_size(upload, extents[item]) for item in coded]


def coded_pixels(upload: bytes, announced: Size) -> int | None:
    """Return the number of pixels of all AV1 images in the file, or None if `frame_sizes` fails.

    Args:
        upload: AVIF file.
        announced: Width and height in the file's header, in pixels.

    Raises:
        InvalidFile: The size in the header differs from the size of the coded image.
    """
    try:
        sizes = frame_sizes(upload)
    except (ValueError, LookupError, struct.error):
        return None
    widths, heights = zip(*sizes, strict=True)
    coded = max(widths), max(heights)
    if max(abs(coded[0] - announced[0]), abs(coded[1] - announced[1])) > MAX_FRAME_PADDING:
        raise InvalidFile(
            f"its header says {announced[0]} x {announced[1]} pixels, but its coded image has "
            f"{coded[0]} x {coded[1]}"
        )
    return sum(width * height for width, height in sizes)


def _frame_size(upload: bytes, extents: list[Span]) -> Size:
    """Return the size in the sequence header of one AV1 image."""
    ((position, end),) = extents
    found: list[Size] = []
    for _ in range(MAX_PIECES):
        if position == end:
            break
        header = upload[position]
        position += 2 if header & _HAS_EXTENSION else 1
        if header & _FORBIDDEN:
            raise ValueError("an OBU has a bit that must be 0")
        if not header & _HAS_SIZE:
            raise ValueError("an OBU does not contain its size")
        size, position = _leb128(upload, position)
        if header >> 3 == _SEQUENCE_HEADER:
            found.append(_size_in_sequence_header(upload[position : position + size]))
        position += size
    if position != end:
        raise ValueError("an AV1 image is cut off")
    if len(found) != 1:
        raise ValueError(f"an AV1 image has {len(found)} sequence headers; expected one")
    return found[0]


def _leb128(upload: bytes, position: int) -> tuple[int, int]:
    """Return a number stored in 7 bits per byte, lowest bits first, and the position of its end."""
    value = 0
    for shift in range(0, 56, 7):
        byte = upload[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise ValueError("the size of an OBU has more than 8 bytes")


def _size_in_sequence_header(header: bytes) -> Size:
    """Return the size that a reduced sequence header announces for all frames."""
    if not header or header[0] & _REDUCED_STILL != _REDUCED_STILL:
        raise ValueError("the image does not have the reduced header of a still image")
    # Skip the profile, the two flags and the level, which take 10 bits. Missing bytes count as 0.
    bits = format(int.from_bytes(header[:8].ljust(8, b"\0")), "064b")[10:]
    width_bits, height_bits = 1 + int(bits[:4], 2), 1 + int(bits[4:8], 2)
    width = 1 + int(bits[8 : 8 + width_bits], 2)
    height = 1 + int(bits[8 + width_bits : 8 + width_bits + height_bits], 2)
    return width, height
