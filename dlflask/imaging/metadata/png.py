"""Remove texts, profiles, animation and unknown chunks from a PNG.

Source: PNG, third edition, W3C 2025, sections 5 and 11.
"""

from __future__ import annotations

import struct

from dlflask.imaging.decode_limits import MAX_METADATA_BYTES, MAX_PALETTE_BYTES, MAX_PIECES
from dlflask.imaging.formats.invalid_file import InvalidFile
from dlflask.imaging.metadata.cuts import Part, cut_out

_PIXELS = {b"IHDR", b"IDAT", b"IEND"}
_PALETTE = {b"PLTE", b"tRNS"}

#: Kinds of chunks with text, and keywords of the texts that may contain the orientation: Exif as
#: text, written by ImageMagick, and XMP.
_TEXTS = {b"tEXt", b"zTXt", b"iTXt"}
_KEYWORDS = (b"Raw profile type exif\0", b"XML:com.adobe.xmp\0")

_read_chunk = struct.Struct(">I4s").unpack_from


def strip_png(upload: bytes) -> bytes:
    """Return the PNG with only its pixels, its palette and its orientation.

    If several chunks of one kind may contain the orientation, only the first of them is kept.

    Raises:
        InvalidFile: The PNG has too many chunks, or a palette with more than 256 colours.
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
            name = _orientation_name(upload, position, kind, length)
            if name is None or name in found:
                cuts.append((position, end))
            found.add(name)
        position = end
    raise InvalidFile(f"it has more chunks than the limit of {MAX_PIECES:,}")


def _orientation_name(upload: bytes, position: int, kind: bytes, length: int) -> bytes | None:
    """Return the kind or keyword of a chunk that may contain the orientation, otherwise None."""
    if length > MAX_METADATA_BYTES:
        return None
    if kind == b"eXIf":
        return kind
    if kind in _TEXTS:
        keywords = (word for word in _KEYWORDS if upload.startswith(word, position + 8))
        return next(keywords, None)
    return None
