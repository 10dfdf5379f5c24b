"""Images in a JSON body, as base64 or `data:` URLs.

Limits on brackets and commas bound the size of the parsed JSON before parsing.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from codecs import BOM_UTF8
from typing import Any

from dlflask.errors import InvalidBase64, InvalidJson, MissingUpload
from dlflask.web.uploads.limits import check_size

#: Longest beginning of a `data:` URL, up to its comma, in characters. A search in the whole URL
#: would store a position to backtrack to for each parameter.
_MAX_URL_PREFIX = 300

#: Whitespace is deleted from base64: mail programs and `base64` break it into lines. The URL-safe
#: alphabet becomes the standard one in the same step, because each copy may take 16 MB.
_CLEANED = {**dict.fromkeys(map(ord, " \t\n\r\v\f")), **str.maketrans("-_", "+/")}

#: Longest body that is read with characters other than ASCII, in bytes. Its text takes four times
#: its size. In longer bodies each byte of such a character becomes a question mark.
_MAX_NON_ASCII_BYTES = 100_000
_NON_ASCII = bytes.maketrans(bytes(range(128, 256)), b"?" * 128)

#: Most brackets and commas of a body: enough for other keys, which are ignored, and for 256 images,
#: which have 512 commas as `data:` URLs.
_MAX_BRACKETS = 1_000
_MAX_COMMAS = 5_000

#: Beginning such as `data:image/png;base64,`. The type is ignored: the bytes show the format.
#: An underscore in it is a slash by now. Source: RFC 2397.
_DATA_URL = re.compile(r"data:(?:[\w.+/]+/[\w.+/]+)?(?:;[\w.+/]+=[^;,]*)*;base64,", re.IGNORECASE)

#: Beginning of another URL, such as `https:`.
_URL = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def parse_json(body: bytes, max_brackets: int, max_commas: int) -> Any:
    """Parse a JSON body, after a check that it does not have too many brackets and commas.

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


def get_value(body: bytes, key: str) -> Any:
    """Return the value of `key` in the JSON object in `body`; other keys are ignored.

    Raises:
        InvalidJson: The body is not JSON, not an object, or lacks the key.
        MissingUpload: The object is empty.
    """
    if len(body) > _MAX_NON_ASCII_BYTES and not body.isascii():
        body = body.removeprefix(BOM_UTF8).translate(_NON_ASCII)
    document = parse_json(body, _MAX_BRACKETS, _MAX_COMMAS)
    if not isinstance(document, dict):
        raise InvalidJson(f"The JSON is not an object; expected one with the key {key!r}.")
    if not document:
        raise MissingUpload(
            f"The JSON object is empty; expected the key {key!r}. Send the image in it as base64."
        )
    if key not in document:
        raise InvalidJson(
            f"The JSON has the keys {', '.join(document)[:200]}; expected {key!r}. Send the image "
            "in it as base64."
        )
    return document[key]


def decode_image(value: Any, max_bytes: int) -> bytes:
    """Decode an image that is given as base64 or as a `data:` URL.

    Raises:
        InvalidBase64: `value` is neither.
        EmptyUpload: The image has 0 bytes.
        UploadTooLarge: The image has more than `max_bytes`.
    """
    encoded = strip_data_url(value)
    # `decoded_size` rounds one character down to 0, which is invalid base64 and not an empty file.
    check_size(decoded_size(encoded) or len(encoded), max_bytes)
    return decode_base64(encoded)


def strip_data_url(value: Any) -> str:
    """Return base64 in the standard alphabet, without whitespace and the start of a `data:` URL.

    Raises:
        InvalidBase64: `value` is not a string, or it is another kind of `data:` URL.
    """
    if not isinstance(value, str):
        raise InvalidBase64(f"The image is {json.dumps(value)[:20]}; expected a string of base64.")
    if not value.isascii():
        raise _invalid_base64("it has characters that are not ASCII")
    text = value.translate(_CLEANED)
    url = _URL.match(text[:_MAX_URL_PREFIX])
    if url is None:
        return text
    if url[0].lower() != "data:":
        raise InvalidBase64(
            f"The image is the address {value[:30]!r}; the service does not fetch images. Send the "
            "bytes of the file as base64, as in: base64 -w0 4.jpg"
        )
    prefix = _DATA_URL.match(text[:_MAX_URL_PREFIX])
    if prefix is None:
        raise InvalidBase64(
            f"The URL begins with {value[:30]!r}; expected one such as "
            "data:image/png;base64,iVBORw0..."
        )
    return text[prefix.end() :]


def decoded_size(encoded: str) -> int:
    """Return the number of bytes that base64 decodes to, with or without its padding."""
    return len(encoded.rstrip("=")) * 3 // 4


def decode_base64(encoded: str) -> bytes:
    """Decode base64 with the standard or the URL-safe alphabet, with or without padding.

    Source: RFC 4648, 3.2, 4 and 5.

    Raises:
        InvalidBase64: `encoded` has other characters, a wrong length or wrong padding.
    """
    text = encoded.replace("-", "+").replace("_", "/")
    missing = -len(text.rstrip("=")) % 4
    padding = len(text) - len(text.rstrip("="))
    if missing == 3 or padding not in (0, missing):
        raise _invalid_base64("its length or its padding is wrong")
    try:
        return base64.b64decode(text if padding else text + "=" * missing, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid_base64(str(error)) from error


def _invalid_base64(reason: str) -> InvalidBase64:
    return InvalidBase64(
        f"The image is not valid base64 ({reason}). Encode the bytes of the file, as in: "
        "base64 -w0 4.jpg"
    )
