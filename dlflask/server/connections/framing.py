"""Body framing: find in the headers where the body of a request ends.

Source: RFC 9112, section 6.3.
"""

from __future__ import annotations

import re

#: Value that `find_body_length` returns for a chunked body.
CHUNKED = -1

_TRANSFER_ENCODING = b"\r\ntransfer-encoding:"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n")
_EXPECT = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n")


def find_body_length(headers: bytes) -> int | None:
    """Return the length of the body in bytes, or `CHUNKED`.

    Args:
        headers: Request line and headers in lower case, with the line break of the last header.

    Returns:
        The length or `CHUNKED`. None if the headers do not announce a body, or are ambiguous or
        invalid. Gunicorn's parser then accepts or rejects the request.
    """
    num_lengths = headers.count(b"\r\ncontent-length:")
    num_codings = headers.count(_TRANSFER_ENCODING)
    if num_lengths == 1 and not num_codings:
        found = _LENGTH.search(headers)
        return int(found[1]) if found else None
    return CHUNKED if num_codings and not num_lengths and _is_chunked(headers) else None


def expects_continue(headers: bytes) -> bool:
    """Return True if the client waits for "100 Continue" before it sends the body."""
    return b" http/1.1\r\n" in headers and _EXPECT.search(headers) is not None


def _is_chunked(headers: bytes) -> bool:
    codings = headers.rpartition(_TRANSFER_ENCODING)[2].partition(b"\r\n")[0]
    return codings.rpartition(b",")[2].strip(b" \t") == b"chunked"
