"""Remove texts, profiles, animation and unknown chunks from a PNG.

Source: PNG, third edition, W3C 2025, 5 and 11.
"""

from __future__ import annotations

import struct

from dlflask.imaging.decode_limits import MAX_METADATA_BYTES, MAX_PALETTE_BYTES, MAX_PIECES
from dlflask.imaging.formats.invalid_file import InvalidFile
from dlflask.imaging.metadata.cuts import Part, cut_out

_PIXELS = {b"IHDR", b"IDAT", b"IEND"}
_PALETTE = {b"PLTE", b"tRNS"}

#: Texts that may hold the orientation: Exif as ImageMagick writes it, and XMP.
_TEXTS = {b"tEXt", b"zTXt", b"iTXt"}
_KEYWORDS = (b"Raw profile type exif\0", b"XML:com.adobe.xmp\0")

_read_chunk = struct.Struct(">I4s").unpack_from


def strip_png(upload: bytes) -> bytes:
    """Return the PNG with its pixels and one chunk of each kind that may hold the orientation.

    Raises:
        InvalidFile: The PNG has too many chunks, or a palette that is too long for any image.
    """
    cuts: list[Part] = []
    found, position = set[bytes | None](), 8
    for _ in range(MAX_PIECES):
        if position + 12 > len(upload):
            return cut_out(upload, cuts)
        length, kind = _read_chunk(upload, position)
        end = position + 12 + length
        if kind == b"IEND" or end > len(upload):
            return cut_out(upload, cuts)
        if kind in _PALETTE and length > MAX_PALETTE_BYTES:
            raise InvalidFile(
                f"its {kind.decode()} chunk has {length:,} bytes; the limit is {MAX_PALETTE_BYTES}"
            )
        if kind not in _PIXELS and kind not in _PALETTE:
            name = _orientation(upload, position, kind, length)
            if name is None or name in found:
                cuts.append((position, end))
            found.add(name)
        position = end
    raise InvalidFile(f"it has more chunks than the limit of {MAX_PIECES:,}")


def _orientation(upload: bytes, position: int, kind: bytes, length: int) -> bytes | None:
    """Return the name of a chunk that may hold the orientation; None for any other."""
    if length > MAX_METADATA_BYTES:
        return None
    if kind == b"eXIf":
        return kind
    if kind in _TEXTS:
        return next((word for word in _KEYWORDS if upload.startswith(word, position + 8)), None)
    return None
