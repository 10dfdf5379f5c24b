"""Remove the colour profile, long metadata and all frames except the first from a WebP.

Source: RFC 9649, 2024, section 2.
"""

from __future__ import annotations

import struct

from dlflask.imaging.decode_limits import MAX_METADATA_BYTES, MAX_PIECES
from dlflask.imaging.formats.invalid_file import InvalidFile
from dlflask.imaging.metadata.cuts import Part, cut_out

_PIXELS = {b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"}
_CODED = {b"VP8 ", b"VP8L", b"ALPH"}
_ORIENTATION = {b"EXIF", b"XMP "}

#: Kind and content of a chunk.
Chunk = tuple[bytes, memoryview]

_read_chunk = struct.Struct("<4sI").unpack_from


def strip_webp(upload: bytes) -> bytes:
    """Return the WebP with only the first chunk of each kind that decoding needs.

    Raises:
        InvalidFile: The WebP has too many chunks.
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
    raise InvalidFile(f"it has more chunks than the limit of {MAX_PIECES:,}")


def image_chunks(upload: bytes) -> list[Chunk]:
    """Return the chunks that contain colours or opacity, also from the frames of an animation.

    Raises:
        InvalidFile: The WebP has too many chunks.
    """
    view, found, parts = memoryview(upload), list[Chunk](), [(12, len(upload))]
    num_chunks = 0
    # The loop appends the frames to `parts`.
    for start, end in parts:
        position = start
        while position + 8 <= end:
            kind, length = _read_chunk(upload, position)
            after = min(end, position + 8 + length)
            if kind in _CODED:
                found.append((kind, view[position + 8 : after]))
            elif kind == b"ANMF":
                parts.append((position + 24, after))
            position += 8 + length + length % 2
            num_chunks += 1
            if num_chunks > MAX_PIECES:
                raise InvalidFile(f"it has more chunks than the limit of {MAX_PIECES:,}")
    return found


def canvas_pixels(upload: bytes) -> int:
    """Return the number of pixels that the header states. Pillow allocates them at opening."""
    kind, header = upload[12:16], memoryview(upload)[20:]
    if kind == b"VP8X":
        width, height = (1 + int.from_bytes(header[i : i + 3], "little") for i in (4, 7))
    else:
        width, height = (size_of_lossless if kind == b"VP8L" else size_of_lossy)(header)
    return width * height


def size_of_lossless(data: memoryview) -> tuple[int, int]:
    """Return the width and height, in pixels, from the contents of a `VP8L` chunk."""
    bits = int.from_bytes(data[1:5], "little")
    return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)


def size_of_lossy(data: memoryview) -> tuple[int, int]:
    """Return the width and height, in pixels, from the contents of a `VP8 ` chunk."""
    width, height = (int.from_bytes(data[i : i + 2], "little") & 0x3FFF for i in (6, 8))
    return width, height


def _cut_out(upload: bytes, cuts: list[Part]) -> bytes:
    """Cut parts out, and correct the size in the header, so that libwebp accepts the file."""
    if not cuts:
        return upload
    size = int.from_bytes(upload[4:8], "little") - sum(end - start for start, end in cuts)
    stripped = cut_out(upload, [(0, 8), *cuts])
    return b"RIFF" + struct.pack("<I", max(0, size)) + stripped
