"""Find the boxes of an ISO media file such as AVIF or HEIC.

Structures that other readers might understand differently are errors.

Source: ISO/IEC 14496-12:2022, 4.2.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Iterator
from typing import TypeVar

from dlflask.imaging.decode_limits import MAX_PIECES
from dlflask.imaging.formats.invalid_file import InvalidFile

#: First byte, and the byte after the last one.
Span = tuple[int, int]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

_read_box = struct.Struct(">I4s").unpack_from
_read_large_size = struct.Struct(">Q").unpack_from


def find_boxes(upload: bytes, span: Span, kinds: Collection[bytes]) -> dict[bytes, Span]:
    """Return the contents of the boxes of these kinds."""
    return unique((kind, content) for kind, content in boxes(upload, span) if kind in kinds)


def unique(pairs: Iterable[tuple[_Key, _Value]]) -> dict[_Key, _Value]:
    """Return a mapping; raise ValueError if a key occurs twice.

    Decoders differ in which of the two they use.
    """
    mapping: dict[_Key, _Value] = {}
    for key, value in pairs:
        if key in mapping:
            raise ValueError(f"{key!r} occurs twice")
        mapping[key] = value
    return mapping


def boxes(upload: bytes, span: Span) -> Iterator[tuple[bytes, Span]]:
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
        if after > len(upload):
            raise InvalidFile("its end is missing")
        if not start <= after <= end:
            raise ValueError(f"a {kind!r} box has {size} bytes, which does not fit into its parent")
        yield kind, (start, after)
        position = after
    raise ValueError(f"there are more boxes than the limit of {MAX_PIECES:,}")
