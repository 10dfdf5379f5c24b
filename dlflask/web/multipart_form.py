"""Parsing of a multipart form in memory.

For a form with a 28 x 28 image, `multipart` takes 10 µs and Werkzeug's own parser 61 µs. The
difference is a tenth of the time of a small request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from multipart import MultipartError, MultipartSegment, PushMultipartParser
from werkzeug.exceptions import RequestEntityTooLarge

#: Names of the form parts that may hold an image; clients of the original service send the first.
PART_NAMES = ("image", "file")

#: Largest size of the headers of all parts together, in bytes: 500 for each of 512 parts. Parsers
#: take up to half a second per megabyte.
MAX_HEADER_BYTES = 256 * 1024

_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")


def check_part_headers(body: bytes, boundary: str) -> None:
    """Raise an error if the headers of all parts together are too large.

    Raises:
        RequestEntityTooLarge: The headers have more than `MAX_HEADER_BYTES`.
    """
    for _ in find_part_headers(body, boundary):
        pass


def find_part_headers(body: bytes, boundary: str) -> Iterator[slice]:
    """Yield the place of each part's headers, between a delimiter and the next empty line.

    Raises:
        RequestEntityTooLarge: All headers together have more than `MAX_HEADER_BYTES`.
    """
    delimiter = b"--" + boundary.encode()
    bytes_left = MAX_HEADER_BYTES
    start = 0 if body.startswith(delimiter) else body.find(b"\n" + delimiter)
    while start >= 0:
        end = _EMPTY_LINE.search(body, start, start + bytes_left)
        if end is None and len(body) - start > bytes_left:
            raise RequestEntityTooLarge(
                f"The headers of the form's parts have over {MAX_HEADER_BYTES} bytes. Send fewer "
                "images, with shorter file names."
            )
        if end is None:
            return
        yield slice(start, end.end())
        bytes_left -= end.end() - start
        start = body.find(b"\n" + delimiter, end.end() - 1)


def replace_other_charsets(body: bytes, boundary: str) -> bytes:
    """Return the form with headers in UTF-8; bytes of other character sets are replaced."""
    # Content may begin like a delimiter, and is not changed.
    delimiter = re.compile(rb"\n?--%b[ \t]*\r?\n" % re.escape(boundary.encode()))
    pieces, end = [], 0
    for place in find_part_headers(body, boundary):
        if delimiter.match(body, place.start):
            pieces += [body[end : place.start], body[place].decode(errors="replace").encode()]
            end = place.stop
    return b"".join([*pieces, body[end:]])


def iterate_parts(
    body: bytes, boundary: str, max_parts: int
) -> Iterator[tuple[MultipartSegment, bytes]]:
    """Yield the headers and the content of each part.

    Raises:
        MultipartError: The form is not valid, or an empty part lacks its line break. RFC 2046
            allows that, but the parser would read the next part as the content of the empty part.
    """
    delimiter = b"--" + boundary.encode()
    # Old clients write file names in the character set of their system. Latin-1 reads any byte.
    with PushMultipartParser(
        boundary, max_segment_count=max_parts, header_charset="latin-1"
    ) as parser:
        segment, content = None, b""
        for event in parser.parse(body):
            if isinstance(event, MultipartSegment):
                segment, content = event, b""
            elif event is not None:  # the whole content, in one piece
                content = bytes(event)
                if content.startswith(delimiter):
                    raise MultipartError
            elif segment is not None:
                yield segment, content


def find_file_name(segment: MultipartSegment) -> str | None:
    """Return the file name of a part; None for a text field.

    The name is empty if the parser cannot read it (`filename*=`, or other scripts without quotes),
    or if only the part's type shows that it is a file.
    """
    if segment.filename is not None:
        return str(decode_header(segment.filename))
    has_name = "filename" in segment.header("Content-Disposition", "").lower()
    is_text = (segment.content_type or "text/plain").startswith("text/")
    return "" if has_name or not is_text else None


def decode_header(latin: Any) -> Any:
    """Return a header, read as Latin-1, as text. Clients usually send headers in UTF-8."""
    if latin is None or latin.isascii():
        return latin
    return latin.encode("latin-1").decode(errors="replace")
