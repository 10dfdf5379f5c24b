"""Remove Exif from AVIF and HEIC, and limit the boxes (parts of the file) that describe items.

Source: ISO/IEC 14496-12:2022, sections 4.2 and 8.11; AVIF v1.1, AOMedia 2022.
"""

from __future__ import annotations

import struct

from dlflask.imaging.decode_limits import MAX_ISO_MEDIA_BYTES, MAX_PIECES
from dlflask.imaging.formats.invalid_file import InvalidFile

#: Kinds of the boxes that describe the items (images and metadata) or the frames of an animation.
_DESCRIPTIONS = {b"meta", b"moov"}

_read_box = struct.Struct(">I4s").unpack_from
_read_large_size = struct.Struct(">Q").unpack_from


def strip_iso_media(upload: bytes) -> bytes:
    """Return the file with an unknown kind for Exif items, so that the decoder skips these items.

    Exif is not needed, because in AVIF and HEIC only the boxes `irot` and `imir` define the
    orientation.

    Raises:
        InvalidFile: The file has too many boxes, or describes too many items or frames.
    """
    position = 0
    for _ in range(MAX_PIECES):
        if position + 8 > len(upload):
            return upload
        size, kind = _read_box(upload, position)
        if size == 1:
            (size,) = _read_large_size(upload, position + 8)
        end = position + size if size else len(upload)
        if kind in _DESCRIPTIONS and end - position > MAX_ISO_MEDIA_BYTES:
            raise InvalidFile(
                f"its {kind.decode()} box has {end - position:,} bytes; the limit is "
                f"{MAX_ISO_MEDIA_BYTES:,}"
            )
        if kind == b"meta" and b"Exif" in (meta := upload[position:end]):
            upload = upload[:position] + meta.replace(b"Exif", b"skip") + upload[end:]
        if size < 8 and size != 0:
            return upload
        position = end
    raise InvalidFile(f"it has more boxes than the limit of {MAX_PIECES:,}")
