"""Hide the items (images, tiles and metadata) of a HEIC, except the main image.

For each image that is not hidden, libheif copies the image's profile and metadata, which takes
memory.

Source: ISO/IEC 14496-12:2022, section 8.11.6.
"""

from __future__ import annotations

from dlflask.imaging.iso_media.heic import HeicItems, reading_structure

#: Kind that no decoder knows, and flag of an item that viewers do not show.
_UNKNOWN, _HIDDEN = b"skip", 1


def strip_heic(upload: bytes) -> bytes:
    """Return the file with a changed kind or flag for all items except the main image.

    The opacity and the tiles become hidden items. All other items get an unknown kind, so that the
    decoder skips these items. Exif is skipped too, because only the properties `irot` and `imir`
    define the orientation of a HEIC.

    Raises:
        InvalidFile: The table of the items cannot be read.
    """
    with reading_structure():
        items = HeicItems.of(upload)
        needed = {*items.tiles_of_image}.union(*items.tiles_of_image.values())
        entries = items.entries
    stripped = bytearray(upload)
    for item, entry in entries.items():
        if item not in needed:
            stripped[entry.kind_at : entry.kind_at + 4] = _UNKNOWN
        elif item != items.main_item:
            stripped[entry.flags_at] |= _HIDDEN
    return bytes(stripped)
