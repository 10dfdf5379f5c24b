"""Reduce a TIFF to its first directory, and reduce this directory to the tags that decoding needs.

A directory is the list of the tags (the properties) of one image. A strip is a group of rows.

Source: Adobe, TIFF 6.0, 1992, section 2; libtiff, BigTIFF design, 2007.
"""

from __future__ import annotations

import struct
from dataclasses import astuple, dataclass

from dlflask.imaging.decode_limits import (
    MAX_METADATA_BYTES,
    MAX_TIFF_ENTRIES,
    MAX_TIFF_STRIPS,
    MAX_TIFF_VALUES,
)
from dlflask.imaging.formats.invalid_file import InvalidFile

#: Numbers of tags.
_WIDTH, _HEIGHT, _COMPRESSION, _SAMPLES, _PLANES = 256, 257, 259, 277, 284
_ROWS_PER_STRIP, _TILE_WIDTH, _TILE_HEIGHT, _XMP = 278, 322, 323, 700

#: Tags that list the offsets (of strips, of tiles) and the lengths (of strips, of tiles).
_OFFSETS, _BYTE_COUNTS = (273, 324), (279, 325)

#: Tags for the layout, the colours, strips and tiles, options of the codecs (including the tables
#: of JPEG) and the orientation. Pillow needs the tag 0xBC01 to recognise
#: and reject a Windows Media Photo.
_NEEDED = {
    *(254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 274, 277, 278, 279, 280, 281, 284),
    *(292, 293, 317, 320, 322, 323, 324, 325, 332, 333, 334, 338, 339, 340, 341, 347),
    *(512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 700, 50674, 0xBC01),
}

#: The letter of `struct` for each TIFF type of whole numbers.
_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}

#: TIFF types of single bytes.
_BYTES, _UNDEFINED = 1, 7


@dataclass(frozen=True)
class _Entry:
    """Entry of a directory.

    Attributes:
        tag: Number of the tag.
        type: TIFF type of the values.
        count: Number of values.
        value: The values, or their offset in the file if they are too long for the entry.
    """

    tag: int
    type: int
    count: int
    value: bytes


@dataclass(frozen=True)
class _Form:
    """Variant of TIFF: classic TIFF or BigTIFF, in one of two byte orders.

    Attributes:
        order: Byte order, as the first character of a `struct` format.
        number: Letter of `struct` for offsets in the file.
        entry: Layout of a directory's entry.
    """

    order: str
    number: str
    entry: struct.Struct

    @classmethod
    def of(cls, upload: bytes) -> _Form:
        order, is_big = ("<" if upload.startswith(b"II") else ">"), b"+" in upload[:4]
        if is_big and order == ">":
            raise InvalidFile(
                "it is a big-endian BigTIFF, but only little-endian BigTIFF is supported"
            )
        entry = struct.Struct(order + ("HHQ8s" if is_big else "HHI4s"))
        return cls(order, "Q" if is_big else "I", entry)

    @property
    def is_big(self) -> bool:
        return self.number == "Q"


def strip_tiff(upload: bytes) -> bytes:
    """Return the TIFF with one directory, which contains the needed tags of the first directory.

    Raises:
        InvalidFile: The TIFF has too many tags, strips or values, or strips that share bytes.
        struct.error: The header is truncated.
    """
    form = _Form.of(upload)
    (start,) = struct.unpack_from(form.order + form.number, upload, 8 if form.is_big else 4)
    length = form.order + ("Q" if form.is_big else "H")
    (count,) = struct.unpack_from(length, upload, start)
    if count > MAX_TIFF_ENTRIES:
        raise InvalidFile(f"its directory has {count:,} entries; the limit is {MAX_TIFF_ENTRIES:,}")
    entries = _needed_entries(upload, form, start + struct.calcsize(length), count)
    _check_strips(upload, form, entries)
    directory = b"".join(
        (
            struct.pack(length, len(entries)),
            *(form.entry.pack(*astuple(entry)) for entry in entries.values()),
            struct.pack(form.order + form.number, 0),
        )
    )
    view = memoryview(upload)
    return b"".join((view[:start], directory, view[start + len(directory) :]))


def _needed_entries(upload: bytes, form: _Form, position: int, count: int) -> dict[int, _Entry]:
    """Return the first entry of each needed tag."""
    entries: dict[int, _Entry] = {}
    end = min(position + count * form.entry.size, len(upload) - form.entry.size + 1)
    for at in range(position, end, form.entry.size):
        entry = _Entry(*form.entry.unpack_from(upload, at))
        if entry.tag not in _NEEDED or entry.tag in entries:
            continue
        limit = MAX_TIFF_STRIPS if entry.tag in _OFFSETS + _BYTE_COUNTS else MAX_TIFF_VALUES
        if entry.tag == _XMP:
            if entry.type not in (_BYTES, _UNDEFINED) or entry.count > MAX_METADATA_BYTES:
                continue
            limit = MAX_METADATA_BYTES
        if entry.count > limit:
            raise InvalidFile(
                f"its tag {entry.tag} has {entry.count:,} values; the limit is {limit:,}"
            )
        entries[entry.tag] = entry
    return entries


def _check_strips(upload: bytes, form: _Form, entries: dict[int, _Entry]) -> None:
    """Reject a TIFF with too many strips or tiles, or with strips that share bytes of the file.

    If many strips share the same bytes, decoding even a short file takes long.

    Raises:
        InvalidFile: There are too many strips or tiles, or the sum of their lengths is unknown or
            more than twice the length of the file.
    """

    def first(tag: int, default: int) -> int:
        values = _values(upload, form, entries.get(tag))
        return max(1, values[0]) if values else default

    height = first(_HEIGHT, 1)
    width = first(_WIDTH, 1)
    rows = first(_TILE_HEIGHT, first(_ROWS_PER_STRIP, height))
    columns = first(_TILE_WIDTH, width)
    planes = first(_SAMPLES, 1) if first(_PLANES, 1) == 2 else 1
    strips = -(-height // rows) * -(-width // columns) * planes
    if strips > MAX_TIFF_STRIPS:
        raise InvalidFile(f"it has {strips:,} strips or tiles; the limit is {MAX_TIFF_STRIPS:,}")
    if first(_COMPRESSION, 1) == 1 or strips == 1:
        return
    lengths = [
        sum(max(0, value) for value in _values(upload, form, entries.get(tag)))
        for tag in _BYTE_COUNTS
    ]
    if not any(lengths):
        raise InvalidFile("the lengths of its strips are missing")
    if max(lengths) > 2 * len(upload):
        raise InvalidFile(
            f"its strips have {max(lengths):,} bytes in total, but the file has {len(upload):,}"
        )


def _values(upload: bytes, form: _Form, entry: _Entry | None) -> tuple[int, ...]:
    """Return the whole numbers of an entry, or only the first numbers if the file is truncated."""
    letter = _NUMBERS.get(entry.type) if entry else None
    if entry is None or letter is None:
        return ()
    size = struct.calcsize(form.order + letter)
    data = entry.value
    if entry.count * size > len(data):
        (offset,) = struct.unpack(form.order + form.number, data)
        data = upload[offset : offset + entry.count * size]
    count = min(entry.count, len(data) // size)
    return struct.unpack(f"{form.order}{count}{letter}", data[: count * size])
