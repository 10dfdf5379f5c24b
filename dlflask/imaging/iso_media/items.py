"""Read the tables of the items in an ISO media file such as AVIF or HEIC.

An item is a coded image, a tile of an image, or metadata. The functions raise ValueError,
LookupError or struct.error for structures that other readers might understand differently.

Source: ISO/IEC 14496-12:2022, section 8.11; ISO/IEC 23008-12:2022, section 9.3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from dlflask.imaging.iso_media.boxes import Span, boxes

_read_item = struct.Struct(">HH4s").unpack_from
_read_long_item = struct.Struct(">IH4s").unpack_from


class ItemEntry(NamedTuple):
    """Entry of an item in the box `iinf`.

    Attributes:
        kind: Kind of the item.
        flags_at: Position of the flags in the file.
        kind_at: Position of the kind in the file.
    """

    kind: bytes
    flags_at: int
    kind_at: int


class Numbers:
    """Reader of big-endian numbers, one after the other.

    Args:
        upload: The file.
        span: Part of the file that is read.
    """

    def __init__(self, upload: bytes, span: Span) -> None:
        self._upload = upload
        self.position, self._end = span

    def read(self, size: int) -> int:
        """Return the next number, which has `size` bytes. If `size` is 0, return 0."""
        self.position += size
        if self.position > self._end:
            raise ValueError("a list of items is cut off")
        return int.from_bytes(self._upload[self.position - size : self.position])


def item_entries(upload: bytes, span: Span) -> Iterator[tuple[int, ItemEntry]]:
    """Yield the number and the entry of each item, from the box `iinf`."""
    start, end = span
    for kind, (position, _) in boxes(upload, (start + (8 if upload[start] else 6), end)):
        version = upload[position]
        if kind != b"infe" or version not in (2, 3):
            raise ValueError(
                f"the box iinf has a {kind!r} box of version {version}; expected a box infe of "
                "version 2 or 3"
            )
        read_entry, kind_at = (_read_item, 8) if version == 2 else (_read_long_item, 10)
        item, _protection, item_kind = read_entry(upload, position + 4)
        yield item, ItemEntry(item_kind, position + 3, position + kind_at)


def item_kinds(upload: bytes, span: Span) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the kind of each item, from the box `iinf`."""
    return ((item, entry.kind) for item, entry in item_entries(upload, span))


def item_extents(upload: bytes, span: Span, data: int | None = None) -> dict[int, list[Span]]:
    """Return the pieces of each item's data, from the box `iloc`.

    Args:
        upload: The file.
        span: Content of the box.
        data: Start of the content of the box `idat`, None if the file does not have this box. The
            box may contain data of items.
    """
    version = upload[span[0]]
    sizes = upload[span[0] + 4 : span[0] + 6].hex()
    offset_bytes, length_bytes, base_bytes, index_bytes = (int(digit, 16) for digit in sizes)
    if not length_bytes:
        raise ValueError("the box iloc lacks the lengths of the items")
    number_bytes = 4 if version == 2 else 2
    numbers = Numbers(upload, (span[0] + 6, span[1]))
    extents: dict[int, list[Span]] = {}
    for _ in range(numbers.read(number_bytes)):
        item = numbers.read(number_bytes)
        method = numbers.read(2) if version else 0
        is_elsewhere = numbers.read(2) or method not in (0, 1)
        base = numbers.read(base_bytes)
        if method == 1:
            is_elsewhere = is_elsewhere or data is None
            base += data or 0
        if item in extents:
            raise ValueError("the box iloc lists the data of an item twice")
        if is_elsewhere:
            raise ValueError("the data of an item is not in this file")
        extents[item] = []
        for _ in range(numbers.read(2)):
            numbers.read(index_bytes if version else 0)
            start = base + numbers.read(offset_bytes)
            extents[item].append((start, start + numbers.read(length_bytes)))
    return extents


def item_references(upload: bytes, span: Span) -> Iterator[tuple[tuple[bytes, int], list[int]]]:
    """Yield the kind, the source item and the target items of each reference in the box `iref`.

    A reference of the kind `dimg` leads from a whole image to its tiles. A reference of the kind
    `auxl` leads from an image of opacity to the image that the opacity belongs to.
    """
    number_bytes = 4 if upload[span[0]] else 2
    for kind, content in boxes(upload, (span[0] + 4, span[1])):
        numbers = Numbers(upload, content)
        source = numbers.read(number_bytes)
        yield (kind, source), [numbers.read(number_bytes) for _ in range(numbers.read(2))]


def item_properties(upload: bytes, span: Span) -> Iterator[tuple[int, list[int]]]:
    """Yield the number of each item in the box `ipma`, and the numbers of its properties.

    The first property has the number 1.
    """
    version, is_wide = upload[span[0]], upload[span[0] + 3] & 1
    numbers = Numbers(upload, (span[0] + 4, span[1]))
    for _ in range(numbers.read(4)):
        item = numbers.read(4 if version else 2)
        count = numbers.read(1)
        # Remove the highest bit. It is 1 if readers must not ignore the property.
        yield (
            item,
            [numbers.read(2) & 0x7FFF if is_wide else numbers.read(1) & 0x7F for _ in range(count)],
        )
