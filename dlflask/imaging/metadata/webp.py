"""WebP without colour profile, long metadata and all frames but the first.

Source: RFC 9649, 2024, 2.
"""

from __future__ import annotations

import struct

from dlflask.imaging.decode_limits import MAX_METADATA_BYTES, MAX_PIECES
from dlflask.imaging.metadata.cuts import Part, cut_out

_PIXELS = {b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"}
_LOSSLESS = {b"VP8L", b"ALPH"}
_ORIENTATION = {b"EXIF", b"XMP "}

_read_chunk = struct.Struct("<4sI").unpack_from


def strip_webp(upload: bytes) -> bytes:
    """Return the WebP with one chunk of each kind that decoding needs.

    Raises:
        ValueError: It has too many chunks.
    """
    cuts: list[Part] = []
    found, position = set[bytes](), 12
    for _ in range(MAX_PIECES):
        if position + 8 > len(upload):
            return _cut_out(upload, cuts)
        kind, length = _read_chunk(upload, position)
        end = position + 8 + length + length % 2
        if end > len(upload):
            return _cut_out(upload, cuts)
        is_needed = kind in _PIXELS or (kind in _ORIENTATION and length <= MAX_METADATA_BYTES)
        if not is_needed or kind in found:
            cuts.append((position, end))
        found.add(kind)
        position = end
    raise ValueError(f"it is made of over {MAX_PIECES:,} pieces")


def lossless_bytes(upload: bytes) -> int:
    """Return the length of what is coded losslessly in the first frame: its pixels or opacity."""
    total, parts = 0, [(12, len(upload))]
    for start, end in parts:
        position = start
        while position + 8 <= end:
            kind, length = _read_chunk(upload, position)
            if kind in _LOSSLESS:
                total += length
            elif kind == b"ANMF":
                parts.append((position + 24, min(end, position + 8 + length)))
            position += 8 + length + length % 2
    return total


def canvas_pixels(upload: bytes) -> int:
    """Return the pixels that the header of a WebP announces; Pillow makes room when it opens it."""
    kind, announced = upload[12:16], upload[20:30].ljust(10, b"\0")
    if kind == b"VP8X":
        width, height = (1 + int.from_bytes(announced[i : i + 3], "little") for i in (4, 7))
    elif kind == b"VP8L":
        bits = int.from_bytes(announced[1:5], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    else:
        width, height = (int.from_bytes(announced[i : i + 2], "little") & 0x3FFF for i in (6, 8))
    return width * height


def _cut_out(upload: bytes, cuts: list[tuple[int, int]]) -> bytes:
    """Cut, and take what was cut off the size in the header, without which libwebp waits for it."""
    if not cuts:
        return upload
    size = int.from_bytes(upload[4:8], "little") - sum(end - start for start, end in cuts)
    stripped = cut_out(upload, [(0, 8), *cuts])
    return b"RIFF" + struct.pack("<I", max(0, size)) + stripped
