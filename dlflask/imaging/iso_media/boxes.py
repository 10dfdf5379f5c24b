"""Find the boxes (the parts) of an ISO media file such as AVIF or HEIC.

The functions raise an error for structures that other readers might understand differently.

Source: ISO/IEC 14496-12:2022, section 4.2.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Iterator
from typing import TypeVar

from dlflask.imaging.decode_limits import MAX_PIECES
from dlflask.imaging.formats.invalid_file import InvalidFile

#: Part of a file: the position of its first byte, and the position after its last byte.
Span = tuple[int, int]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

_read_box = struct.Struct(">I4s").unpack_from
_read_large_size = struct.Struct(">Q").unpack_from


def find_boxes(upload: bytes, span: Span, kinds: Collection[bytes]) -> dict[bytes, Span]:
    """Return the span of the content of each box of these kinds.

    Args:
        upload: The file.
        span: Part of the file in which the boxes are.
        kinds: Kinds of boxes. Each kind may occur at most once.
    """
    return unique((kind, content) for kind, content in boxes(upload, span) if kind in kinds)


def unique(pairs: Iterable[tuple[_Key, _Value]]) -> dict[_Key, _Value]:
    """Return a mapping, or raise ValueError if a key occurs twice.

    Some decoders use the first value of a key, others the last.
    """
    mapping: dict[_Key, _Value] = {}
    for key, value in pairs:
        if key in mapping:
            raise ValueError(f"{key!r} occurs twice")
        mapping[key] = value
    return mapping


def boxes(upload: bytes, span: Span) -> Iterator[tuple[bytes, Span]]:
    """Yield the kind of each box in `span`, and the span of its content."""
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
            raise ValueError(f"a {kind!r} box of {size} bytes does not fit into the box around it")
        yield kind, (start, after)
        position = after
    raise ValueError(f"there are more boxes than the limit of {MAX_PIECES:,}")
