"""Read the real size of the images coded in an AVIF file, which its header may understate.

Source: ISO/IEC 14496-12:2022, 8.11; AV1 Bitstream & Decoding Process, AOMedia 2019, 5.3 and 5.5.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Iterator
from typing import TypeVar

from dlflask.imaging.decode_limits import MAX_FRAME_PADDING, MAX_PIECES

#: Width and height in pixels.
Size = tuple[int, int]

#: First byte, and the byte behind the last.
Span = tuple[int, int]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

#: Flags and kind in the first byte of an OBU, the unit that AV1 is made of.
_FORBIDDEN, _HAS_EXTENSION, _HAS_SIZE, _SEQUENCE_HEADER = 0x81, 4, 2, 1

#: Bits 3 and 4 of a sequence header: a still image, with the reduced header for still images.
_REDUCED_STILL = 0x18

_read_box = struct.Struct(">I4s").unpack_from
_read_large_size = struct.Struct(">Q").unpack_from
_read_item = struct.Struct(">HH4s").unpack_from
_read_long_item = struct.Struct(">IH4s").unpack_from


def frame_sizes(upload: bytes) -> list[Size]:
    """Return the size of each AV1 image in the file: its colours, its opacity, a thumbnail.

    Only files of one still image with reduced headers are read, as libavif writes them. With full
    headers, as in animations, a frame may be larger than the sequence header announces.

    Raises:
        ValueError, LookupError, struct.error: The sizes are not known before decoding.
    """
    top = _find(upload, (0, len(upload)), {b"meta", b"moov"})
    if b"moov" in top:
        raise ValueError("an animation")
    start, end = top[b"meta"]
    parts = _find(upload, (start + 4, end), {b"iinf", b"iloc"})
    kinds = _unique(_item_kinds(upload, parts[b"iinf"]))
    coded = [item for item, kind in kinds.items() if kind == b"av01"]
    if b"grid" in kinds.values() or not coded:
        raise ValueError("an image of several tiles or of another kind")
    places = _unique(_item_places(upload, parts[b"iloc"]))
    return [_frame_size(upload, places[item]) for item in coded]


def coded_pixels(upload: bytes, announced: Size) -> int | None:
    """Return the pixels of all AV1 images in the file; None if they are not known.

    Args:
        upload: AVIF or HEIC file.
        announced: Width and height in its header, in pixels.

    Raises:
        ValueError: The header announces another size than the coded image has.
    """
    try:
        sizes = frame_sizes(upload)
    except (ValueError, LookupError, struct.error):
        return None
    widths, heights = zip(*sizes, strict=True)
    coded = max(widths), max(heights)
    if max(abs(coded[0] - announced[0]), abs(coded[1] - announced[1])) > MAX_FRAME_PADDING:
        raise ValueError(
            f"its header says {announced[0]} x {announced[1]} pixels, its coded image has "
            f"{coded[0]} x {coded[1]}"
        )
    return sum(width * height for width, height in sizes)


def _find(upload: bytes, span: Span, kinds: Collection[bytes]) -> dict[bytes, Span]:
    """Return the contents of the boxes of these kinds."""
    return _unique((kind, content) for kind, content in _boxes(upload, span) if kind in kinds)


def _unique(pairs: Iterable[tuple[_Key, _Value]]) -> dict[_Key, _Value]:
    """Return a mapping; raise ValueError if a key occurs twice, which decoders read differently."""
    mapping: dict[_Key, _Value] = {}
    for key, value in pairs:
        if key in mapping:
            raise ValueError(f"{key!r} occurs twice")
        mapping[key] = value
    return mapping


def _boxes(upload: bytes, span: Span) -> Iterator[tuple[bytes, Span]]:
    """Yield the kind and the content of each box in `span`."""
    position, end = span
    for _ in range(MAX_PIECES):
        if position >= end:
            return
        size, kind = _read_box(upload, position)
        start = position + 8
        if size == 1:
            (size,) = _read_large_size(upload, start)
            start += 8
        after = position + size if size else end
        if not start <= after <= end:
            raise ValueError(f"a {kind!r} box of {size} bytes")
        yield kind, (start, after)
        position = after
    raise ValueError("too many boxes")


def _item_kinds(upload: bytes, span: Span) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the kind of each item, from the box `iinf`."""
    start, end = span
    for kind, (position, _) in _boxes(upload, (start + (8 if upload[start] else 6), end)):
        version = upload[position]
        if kind != b"infe" or version not in (2, 3):
            raise ValueError("items of an unknown version")
        read = _read_item if version == 2 else _read_long_item
        item, _protection, item_kind = read(upload, position + 4)
        yield item, item_kind


def _item_places(upload: bytes, span: Span) -> Iterator[tuple[int, Span]]:
    """Yield the number of each item and the place of its data, from the box `iloc`."""
    position, end = span[0], span[1]
    version = upload[position]
    sizes = upload[position + 4 : position + 6].hex()
    offset_bytes, length_bytes, base_bytes, index_bytes = (int(digit, 16) for digit in sizes)
    wide = 4 if version == 2 else 2
    position += 6

    def number(size: int) -> int:
        nonlocal position
        position += size
        if position > end:
            raise ValueError("a list of items that is cut off")
        return int.from_bytes(upload[position - size : position])

    for _ in range(number(wide)):
        item = number(wide)
        # Another method or reference: the data is not at an offset of this file.
        is_elsewhere = (number(2) if version else 0) | number(2)
        base = number(base_bytes)
        if number(2) != 1 or is_elsewhere:
            raise ValueError("an item whose data is not in one piece of the file")
        number(index_bytes if version else 0)
        offset = base + number(offset_bytes)
        yield item, (offset, offset + number(length_bytes))


def _frame_size(upload: bytes, place: Span) -> Size:
    """Return the size in the sequence header of one AV1 image."""
    position, end = place
    found: list[Size] = []
    for _ in range(MAX_PIECES):
        if position == end:
            break
        header = upload[position]
        position += 2 if header & _HAS_EXTENSION else 1
        if header & _FORBIDDEN or not header & _HAS_SIZE:
            raise ValueError("an OBU without size")
        size, position = _leb128(upload, position)
        if header >> 3 == _SEQUENCE_HEADER:
            found.append(_size_in_sequence_header(upload[position : position + size]))
        position += size
    if position != end or len(found) != 1:
        raise ValueError("an AV1 image without one sequence header")
    return found[0]


def _leb128(upload: bytes, position: int) -> tuple[int, int]:
    """Return a number of 7 bits in each byte, least significant first, and the byte behind it."""
    value = 0
    for shift in range(0, 56, 7):
        byte = upload[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise ValueError("an OBU that is too long")


def _size_in_sequence_header(header: bytes) -> Size:
    """Return the size that a reduced sequence header announces for all frames."""
    if not header or header[0] & _REDUCED_STILL != _REDUCED_STILL:
        raise ValueError("a sequence of frames")
    # Behind profile, the two flags and level: 10 bits. A missing byte reads as 0.
    bits = format(int.from_bytes(header[:8].ljust(8, b"\0")), "064b")[10:]
    width_bits, height_bits = 1 + int(bits[:4], 2), 1 + int(bits[4:8], 2)
    width = 1 + int(bits[8 : 8 + width_bits], 2)
    height = 1 + int(bits[8 + width_bits : 8 + width_bits + height_bits], 2)
    return width, height
