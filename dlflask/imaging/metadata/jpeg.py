"""Remove comments, profiles, thumbnails and further images from a JPEG.

Source: ITU-T T.81, 1992, section B.1; Exif 2.32, section 4.5.4; Adobe, XMP Specification, part 3,
2020.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dlflask.imaging.decode_limits import MAX_JPEG_HEADER_BYTES, MAX_PIECES
from dlflask.imaging.formats.invalid_file import InvalidFile
from dlflask.imaging.metadata.cuts import cut_out

#: Pattern of a marker. A search skips other bytes and repeated 0xFF, as Pillow and libjpeg do.
_MARKER = re.compile(rb"\xff([^\x00\xff])")

_SCAN, _COMMENT = 0xDA, 0xFE
_APPLICATION = range(0xE0, 0xF0)

#: Markers without a length after them: restarts, start and end of the image, reserved markers.
_ALONE = {0x01, 0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE)}

#: Names at the start of segments. JFIF and Adobe define the colours. Exif and XMP contain the
#: orientation.
_COLOURS = {0xE0: b"JFIF\0", 0xEE: b"Adobe"}
_ORIENTATION = (b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0")

#: A segment: its marker, and the positions of its start, of its content and of its end.
Segment = tuple[int, int, int, int]


def strip_jpeg(upload: bytes) -> bytes:
    """Return the JPEG with only the segments that decoding needs.

    At most one Exif and one XMP segment are kept.

    Raises:
        InvalidFile: The segments before the first scan are too many or too long.
    """
    cuts, found, kept = [], set(), 0
    for kind, start, content, end in _segments(upload):
        if kind == _SCAN:
            break
        name = _needed_name(upload, kind, content)
        if (name is None or name in found) and end <= len(upload):
            cuts.append((start, end))
            continue
        if name in _ORIENTATION:
            found.add(name)
        kept += end - start
        if kept > MAX_JPEG_HEADER_BYTES:
            raise InvalidFile(
                f"its header has more bytes than the limit of {MAX_JPEG_HEADER_BYTES:,}"
            )
    return cut_out(upload, cuts)


def first_scan(upload: bytes) -> int:
    """Return the position of the first scan, or the length of the file if it has no scan."""
    return next((start for kind, start, *_ in _segments(upload) if kind == _SCAN), len(upload))


def _segments(upload: bytes) -> Iterator[Segment]:
    """Yield the segments up to and including the first scan.

    Raises:
        InvalidFile: There are too many segments.
    """
    position = 2
    for _ in range(MAX_PIECES):
        marker = _MARKER.search(upload, position)
        if marker is None:
            return
        kind, position = marker[1][0], marker.end()
        if kind not in _ALONE:
            content = position + 2
            position = max(content, position + int.from_bytes(upload[position:content]))
            yield kind, marker.start(), content, position
        if kind == _SCAN:
            return
    raise InvalidFile(f"it has more segments than the limit of {MAX_PIECES:,}")


def _needed_name(upload: bytes, kind: int, content: int) -> bytes | None:
    """Return the name of the segment if decoding needs it, otherwise None.

    Needed segments that do not begin with a name, such as tables, all get the name `tables`.
    """
    if kind == 0xE1:
        return next((name for name in _ORIENTATION if upload.startswith(name, content)), None)
    if kind in _APPLICATION:
        name = _COLOURS.get(kind)
        return name if name and upload.startswith(name, content) else None
    return None if kind == _COMMENT else b"tables"
