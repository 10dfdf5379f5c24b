"""Hide the items of a HEIC that decoding does not need, and limit the others.

For each item that is not hidden, libheif creates an image, with copies of its profile and metadata.

Source: ISO/IEC 14496-12:2022, 8.11.6.
"""

from __future__ import annotations

from dlflask.imaging.iso_media.heic import HeicItems, reading_structure

#: Kind of an item that no decoder knows, and the flag of an item that is not shown.
_UNKNOWN, _HIDDEN = b"skip", 1


def strip_heic(upload: bytes) -> bytes:
    """Return the file with all items renamed except the main image, its opacity and tiles.

    In this format only the properties `irot` and `imir` define the orientation, not Exif.

    Raises:
        InvalidFile: The items cannot be read.
    """
    with reading_structure():
        items = HeicItems.of(upload)
        needed = {items.main, *items.decoded}.union(*items.decoded.values())
        entries = items.entries
    stripped = bytearray(upload)
    for item, entry in entries.items():
        if item not in needed:
            stripped[entry.kind_at : entry.kind_at + 4] = _UNKNOWN
        elif item != items.main:
            stripped[entry.flags_at] |= _HIDDEN
    return bytes(stripped)
