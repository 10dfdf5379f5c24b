"""Middleware that decompresses request bodies, so that all later code reads uncompressed bodies.

Source: RFC 9110, section 8.4; RFC 1950 (zlib), 1951 (deflate) and 1952 (gzip).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.wsgi import get_input_stream

from dlflask.web.middleware.environ import ERROR

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Encodings that are decoded: gzip and deflate, and other names that some clients use for them.
_DECODED = frozenset({"gzip", "x-gzip", "deflate", "zlib"})

#: Values that are ignored, because the body is not compressed. Many clients send the character set
#: in this header by mistake.
_IGNORED = frozenset({"", "identity", "none", "binary", "8bit", "utf-8", "utf8", "iso-8859-1"})

#: First bytes of a gzip file.
_GZIP = b"\x1f\x8b"

#: Values of the argument `wbits` of zlib for each format.
_GZIP_BITS, _ZLIB_BITS, _RAW_BITS = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


class UnsupportedEncoding(UnsupportedMediaType):
    """The body has a `Content-Encoding` that the service does not support."""

    def __init__(self, encoding: str) -> None:
        super().__init__(
            f"The request has the Content-Encoding {encoding[:40]!r}; expected gzip, "
            "deflate or none. Send the body with gzip or deflate, or without compression."
        )

    def get_headers(
        self, environ: WSGIEnvironment | None = None, scope: dict[str, Any] | None = None
    ) -> list[tuple[str, str]]:
        """Return the headers of the response. `Accept-Encoding` lists the supported encodings."""
        return [*super().get_headers(environ, scope), ("Accept-Encoding", "gzip, deflate")]


def decode_bodies(
    application: WSGIApplication, reject: WSGIApplication, max_bytes: int
) -> WSGIApplication:
    """Wrap `application` so that it receives decompressed request bodies.

    Args:
        application: Application that receives the decompressed body, with the new length as
            `Content-Length` and without `Content-Encoding`.
        reject: Application for bodies that cannot be decoded. It renders the exception stored as
            `ERROR`.
        max_bytes: Maximum size of a body in bytes, before and after decompression.
    """

    def decoded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        encoding = environ.get("HTTP_CONTENT_ENCODING")
        if encoding and _has_body(environ):
            try:
                _decode_body(environ, encoding, max_bytes)
            except Exception as error:  # noqa: BLE001  Flask's handlers render any exception
                environ[ERROR] = error
                return reject(environ, start_response)
        return application(environ, start_response)

    return decoded


def _has_body(environ: WSGIEnvironment) -> bool:
    return environ.get("CONTENT_LENGTH", "") not in ("", "0") or "HTTP_TRANSFER_ENCODING" in environ


def _decode_body(environ: WSGIEnvironment, header: str, max_bytes: int) -> None:
    names = [name.strip().lower() for name in header.split(",")]
    encodings = [name for name in names if name not in _IGNORED]
    if not encodings:
        return
    if len(encodings) > 1 or encodings[0] not in _DECODED:
        raise UnsupportedEncoding(header)
    body = get_input_stream(environ, max_content_length=max_bytes).read()
    body = _decompress(body, encodings[0], max_bytes)
    environ["wsgi.input"] = BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    del environ["HTTP_CONTENT_ENCODING"]


def _decompress(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Return the decompressed body.

    The first bytes of the body decide the format, because clients confuse gzip, zlib and raw
    deflate. Return a body in another format unchanged, because some proxies decompress a body but
    keep its header `Content-Encoding`.

    Raises:
        RequestEntityTooLarge: The result is larger than `max_bytes`.
        BadRequest: The data are damaged, cut off, or followed by other data.
    """
    if body.startswith(_GZIP):
        return _inflate(body, _GZIP_BITS, encoding, max_bytes)
    # Check the two bytes of a zlib header (RFC 1950, section 2.2).
    if len(body) > 1 and body[0] & 0x0F == zlib.DEFLATED and not (body[0] * 256 + body[1]) % 31:
        return _inflate(body, _ZLIB_BITS, encoding, max_bytes)
    if encoding == "deflate":
        try:
            return _inflate(body, _RAW_BITS, encoding, max_bytes)
        except BadRequest:
            return body
    return body


def _inflate(body: bytes, window_bits: int, encoding: str, max_bytes: int) -> bytes:
    stream = zlib.decompressobj(window_bits)
    try:
        inflated = stream.decompress(body, max_bytes)
    except zlib.error as error:
        raise BadRequest(
            f"The body with the Content-Encoding {encoding} is damaged ({error}). Compress the "
            "request again."
        ) from error
    if stream.eof and not stream.unused_data:
        return inflated
    if len(inflated) >= max_bytes:
        raise RequestEntityTooLarge(
            f"The body with the Content-Encoding {encoding} is larger than the limit of "
            f"{max_bytes / 1e6:.1f} MB when it is decompressed. Send fewer or smaller images."
        )
    if stream.eof:
        raise BadRequest(
            f"In the body with the Content-Encoding {encoding} the compressed data are followed by "
            "other data. Send the compressed data only."
        )
    raise BadRequest(
        f"The body with the Content-Encoding {encoding} is cut off. Send the complete compressed "
        "data."
    )
