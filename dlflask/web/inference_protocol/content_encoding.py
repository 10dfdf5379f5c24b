"""Decompression of a request body by its `Content-Encoding`."""

from __future__ import annotations

import zlib

from dlflask.errors import InvalidInferRequest

#: Argument `wbits` of zlib for each encoding; 16 more selects the header of gzip.
_WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def decompress(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Return the decompressed body.

    Args:
        body: Body of the request.
        encoding: Value of `Content-Encoding`; empty if it was not sent.
        max_bytes: Largest size after decompression.

    Raises:
        InvalidInferRequest: The encoding is unknown, the data are damaged, or the result is larger.
    """
    if encoding.lower() in ("", "identity"):
        return body
    if encoding.lower() not in _WINDOW_BITS:
        raise InvalidInferRequest(
            f"The request has the Content-Encoding {encoding[:20]!r}; expected gzip, deflate or "
            "identity."
        )
    stream = zlib.decompressobj(_WINDOW_BITS[encoding.lower()])
    try:
        decompressed = stream.decompress(body, max_bytes)
    except zlib.error as error:
        raise InvalidInferRequest(
            f"The {encoding} data are damaged ({error}). Compress the request again."
        ) from error
    if not stream.eof or stream.unused_data:
        raise InvalidInferRequest(
            f"The {encoding} data are cut off, are followed by other data, or decompress to more "
            f"than {max_bytes / 1e6:.1f} MB. Send one complete stream, or fewer images."
        )
    return decompressed
