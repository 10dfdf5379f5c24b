"""Find the items of an ISO media file such as AVIF, and the place of their data.

Whatever another reader might understand differently is an error.

Source: ISO/IEC 14496-12:2022, 4.2 and 8.11.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Iterator
from typing import TypeVar

from dlflask.imaging.decode_limits import MAX_PIECES

#: First byte, and the byte behind the last.
Span = tuple[int, int]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

_read_box = struct.Struct(">I4s").unpack_from
_read_large_size = struct.Struct(">Q").unpack_from
_read_item = struct.Struct(">HH4s").unpack_from
_read_long_item = struct.Struct(">IH4s").unpack_from


def find_boxes(upload: bytes, span: Span, kinds: Collection[bytes]) -> dict[bytes, Span]:
    """Return the contents of the boxes of these kinds."""
    return unique((kind, content) for kind, content in _boxes(upload, span) if kind in kinds)


def unique(pairs: Iterable[tuple[_Key, _Value]]) -> dict[_Key, _Value]:
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


def item_kinds(upload: bytes, span: Span) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the kind of each item, from the box `iinf`."""
    start, end = span
    for kind, (position, _) in _boxes(upload, (start + (8 if upload[start] else 6), end)):
        version = upload[position]
        if kind != b"infe" or version not in (2, 3):
            raise ValueError("items of an unknown version")
        read = _read_item if version == 2 else _read_long_item
        item, _protection, item_kind = read(upload, position + 4)
        yield item, item_kind


def item_places(upload: bytes, span: Span) -> Iterator[tuple[int, Span]]:
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
