"""Images in a JSON body, as base64 or `data:` URLs.

The size of the parsed body is bounded before it is parsed.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from dlflask.errors import InvalidBase64, InvalidJson, MissingUpload

#: Longest beginning of a `data:` URL, up to its comma, in characters. A search in the whole URL
#: would store a position to backtrack to for each parameter.
_MAX_URL_PREFIX = 300

#: Whitespace that is deleted from base64: mail programs and `base64` break it into lines.
_WHITESPACE = dict.fromkeys(map(ord, " \t\n\r\v\f"))

#: Longest body with characters other than ASCII, in bytes. As text it takes four times its size,
#: and its longest string as much again.
_MAX_NON_ASCII_BYTES = 100_000

#: Beginning such as `data:image/png;base64,`. The type is ignored: the bytes show the format.
_DATA_URL = re.compile(r"data:[\w.+-]+/[\w.+-]+(?:;[\w.+-]+=[^;,]*)*;base64,", re.IGNORECASE)


def parse_json(body: bytes, max_brackets: int, max_commas: int) -> Any:
    """Parse a body after checking its numbers of brackets and commas.

    A body of many `[],` would take twenty times its size in memory, and one of many `[` would
    exhaust the stack. Base64 contains neither. JSON is UTF-8 (RFC 8259, 8.1), with or without a
    byte order mark.

    Raises:
        InvalidJson: The body is not JSON, or it has more brackets or commas.
    """
    if body.count(b"[") + body.count(b"{") > max_brackets or body.count(b",") > max_commas:
        raise InvalidJson(
            f"The JSON is too complex: it has more than {max_brackets} lists and objects, or more "
            f"than {max_commas} commas. /reference describes the expected JSON."
        )
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidJson(
            f"The body is not valid JSON ({error}). /reference describes the expected JSON."
        ) from error


def _reject_constant(name: str) -> None:
    raise ValueError(f"{name} is not allowed")


def get_only_key(body: bytes, key: str, max_values: int) -> Any:
    """Return the value of `key`, which must be the only key of the JSON object in `body`.

    Args:
        body: Body of the request.
        key: Name of the key.
        max_values: Most images in the value.

    Raises:
        InvalidJson: The body is not JSON, not an object, or has other keys.
        MissingUpload: The object is empty.
    """
    if len(body) > _MAX_NON_ASCII_BYTES and not body.isascii():
        raise InvalidJson(
            f"The JSON has {len(body)} bytes, some of which are not ASCII. Send the image as "
            "base64, which is ASCII only."
        )
    # One object, one list, and a comma in each data: URL.
    document = parse_json(body, max_brackets=2, max_commas=2 * max_values)
    if not isinstance(document, dict):
        raise InvalidJson(f"The JSON is not an object; expected one with the only key {key!r}.")
    if document.keys() - {key}:
        raise InvalidJson(
            f"The JSON has the keys {', '.join(document)[:200]}; expected only {key!r}."
        )
    if not document:
        raise MissingUpload(
            f"The JSON object is empty; expected the key {key!r}. Send the image in it as base64."
        )
    return document[key]


def strip_data_url(value: Any) -> str:
    """Return base64 without whitespace and without the beginning of a `data:` URL.

    Raises:
        InvalidBase64: `value` is not a string, or it is another kind of `data:` URL.
    """
    if not isinstance(value, str):
        raise InvalidBase64(f"The image is {json.dumps(value)[:20]}; expected a string of base64.")
    if not value.isascii():
        raise _invalid_base64("it has characters that are not ASCII")
    text = value.translate(_WHITESPACE)
    if text[:5].lower() != "data:":
        return text
    prefix = _DATA_URL.match(text[:_MAX_URL_PREFIX])
    if prefix is None:
        raise InvalidBase64(
            f"The URL begins with {text[:30]!r}; expected one like data:image/png;base64,iVBORw0..."
        )
    return text[prefix.end() :]


def decoded_size(encoded: str) -> int:
    """Return the number of bytes that base64 decodes to."""
    return len(encoded) * 3 // 4 - encoded[-2:].count("=")


def decode_base64(encoded: str) -> bytes:
    """Decode RFC 4648 base64 with padding.

    Raises:
        InvalidBase64: `encoded` has other characters or wrong padding.
    """
    # Python's decoder accepts superfluous padding.
    if len(encoded) % 4 or encoded.endswith("==="):
        raise _invalid_base64("its length is not a multiple of 4, or its padding is too long")
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid_base64(str(error)) from error


def _invalid_base64(reason: str) -> InvalidBase64:
    return InvalidBase64(
        f"The image is not valid base64 ({reason}). Encode the file's bytes with the alphabet "
        "A-Z a-z 0-9 + / and pad with =, as in: base64 -w0 4.jpg"
    )
