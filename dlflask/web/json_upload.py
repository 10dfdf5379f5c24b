"""A JSON body in, the base64 pictures it carries out, bounded before anything is built of it."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from dlflask.errors import InvalidBase64, InvalidJson, MissingUpload

#: The head of a `data:` URL is shorter than this. A search in all of the URL would keep a place to
#: come back to for each parameter in it.
_MAX_URL_HEAD = 300

#: Deleted from base64, which mail programs and `base64` itself break into lines.
_BLANKS = dict.fromkeys(map(ord, " \t\n\r\v\f"))

#: A longer body with other characters than ASCII would take four times its size as text, and its
#: longest string as much again, only to be refused.
_MAX_NOT_ASCII_BYTES = 100_000

#: `data:image/png;base64,`; what the bytes are is told by their content.
_DATA_URL = re.compile(r"data:[\w.+-]+/[\w.+-]+(?:;[\w.+-]+=[^;,]*)*;base64,", re.IGNORECASE)


def parse_json(body: bytes, max_brackets: int, max_commas: int) -> Any:
    """Parse a body that is known to be short of nesting and of values.

    A body of nothing but `[],` would become twenty times its size in memory, one of `[[[` would
    exhaust the stack: so brackets and commas are counted first. Base64 has neither. JSON is UTF-8
    (RFC 8259, 8.1), with or without a byte order mark.

    Raises:
        InvalidJson: It is no JSON, or has more brackets or commas than that.
    """
    if body.count(b"[") + body.count(b"{") > max_brackets or body.count(b",") > max_commas:
        raise InvalidJson(
            f"The JSON has over {max_brackets} lists and objects or over {max_commas} commas. "
            "Send what is documented at /reference."
        )
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as fault:
        raise InvalidJson(
            f"The body is not valid JSON ({fault}). Send what is documented at /reference."
        ) from fault


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def value_of(body: bytes, key: str, max_values: int) -> Any:
    """What stands at `key`, the only key of the object that the body holds.

    Raises:
        InvalidJson: The body is no JSON, no object, or has other keys.
        MissingUpload: The object is empty.
    """
    if len(body) > _MAX_NOT_ASCII_BYTES and not body.isascii():
        raise InvalidJson(
            f"The JSON has {len(body)} bytes, some of them not ASCII; base64 consists of ASCII "
            "alone. Send what is documented at /reference."
        )
    # One object, one list, and in each data: URL a comma of its own.
    document = parse_json(body, max_brackets=2, max_commas=2 * max_values)
    if not isinstance(document, dict) or document.keys() - {key}:
        keys = f"the keys {', '.join(document)[:200]}" if isinstance(document, dict) else "no keys"
        raise InvalidJson(f"The JSON has {keys}; expected an object with the one key {key!r}.")
    if not document:
        raise MissingUpload(f"The JSON has no key {key!r}. Send the picture in it, as base64.")
    return document[key]


def base64_of(value: Any) -> str:
    """The base64 of a string, less a `data:` URL's head and any line breaks.

    Raises:
        InvalidBase64: It is no string, or a `data:` URL of another kind.
    """
    if not isinstance(value, str):
        raise InvalidBase64(
            f"The picture is {json.dumps(value)[:20]}; expected a string of base64."
        )
    if not value.isascii():
        raise _no_base64("it has characters that are not ASCII")
    text = value.translate(_BLANKS)
    if text[:5].lower() != "data:":
        return text
    head = _DATA_URL.match(text[:_MAX_URL_HEAD])
    if head is None:
        raise InvalidBase64(
            f"The URL begins with {text[:30]!r}; expected one like data:image/png;base64,iVBORw0..."
        )
    return text[head.end() :]


def decoded_size(encoded: str) -> int:
    """The number of bytes that `encoded` stands for."""
    return len(encoded) * 3 // 4 - encoded[-2:].count("=")


def decode_base64(encoded: str) -> bytes:
    """The bytes of RFC 4648 base64, with its padding.

    Raises:
        InvalidBase64: It has other characters, or its padding is wrong.
    """
    # Python overlooks padding where none belongs.
    if len(encoded) % 4 or encoded.endswith("==="):
        raise _no_base64("its length is no multiple of 4, or its padding is too long")
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise _no_base64(str(fault)) from fault


def _no_base64(why: str) -> InvalidBase64:
    return InvalidBase64(
        f"The picture is not valid base64 ({why}). Encode the file's bytes with the alphabet "
        "A-Z a-z 0-9 + / and pad with =, as in: base64 -w0 4.jpg"
    )
