"""Images in a JSON body, as base64 or `data:` URLs.

The brackets and commas of a body are counted before it is parsed, because a small body with many of
them takes a lot of memory when parsed.
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

#: Maximum length in characters of the beginning of a `data:` URL, up to its comma. Without this
#: limit the regular expression would remember one backtracking position per parameter, which costs
#: memory for a URL with many parameters.
_MAX_URL_PREFIX = 300

#: Argument of `str.translate`. It deletes whitespace from base64, because mail programs and the
#: command `base64` break base64 into lines. It also replaces the URL-safe alphabet by the standard
#: one: a second step would copy the text again, and each copy may take 16 MB.
_CLEANED = {**dict.fromkeys(map(ord, " \t\n\r\v\f")), **str.maketrans("-_", "+/")}

#: Maximum size in bytes of a body whose non-ASCII characters are kept. Such a body, decoded to a
#: `str`, takes up to four times as much memory. In a larger body each byte of a non-ASCII character
#: becomes a question mark.
_MAX_NON_ASCII_BYTES = 100_000

#: Argument of `bytes.translate` that replaces each byte of a non-ASCII character.
_NON_ASCII = bytes.maketrans(bytes(range(128, 256)), b"?" * 128)

#: Maximum number of brackets and of commas in a body. 256 `data:` URLs need 512 commas (one in each
#: URL, one after it). The rest is for other keys, which are ignored.
_MAX_BRACKETS = 1_000
_MAX_COMMAS = 5_000

#: Beginning of a `data:` URL, such as `data:image/png;base64,`. The media type is ignored, because
#: the bytes of the image show its format. `_CLEANED` has already replaced underscores in the URL
#: with slashes.
#: Source: RFC 2397.
_DATA_URL = re.compile(r"data:(?:[\w.+/]+/[\w.+/]+)?(?:;[\w.+/]+=[^;,]*)*;base64,", re.IGNORECASE)

#: Beginning of any URL, such as `https:` or `data:`.
_URL = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def parse_json(body: bytes, max_brackets: int, max_commas: int) -> Any:
    """Parse a JSON body after checking that it does not have too many brackets or commas.

    A body of many `[],` would take twenty times its size in memory, and a body of many `[` would
    exhaust the stack. Base64 contains no brackets and no commas. JSON is UTF-8 (RFC 8259, section
    8.1). A byte order mark is accepted.

    Raises:
        InvalidJson: The body is not JSON, or it has more than `max_brackets` opening brackets or
            more than `max_commas` commas.
    """
    if body.count(b"[") + body.count(b"{") > max_brackets:
        raise _too_complex(f"{max_brackets} lists and objects")
    if body.count(b",") > max_commas:
        raise _too_complex(f"{max_commas} commas")
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidJson(
            f"The body is not valid JSON ({error}). /reference describes the expected JSON."
        ) from error


def _too_complex(limit: str) -> InvalidJson:
    return InvalidJson(
        f"The JSON is too complex: it has more than {limit}. /reference describes the expected "
        "JSON."
    )


def _reject_constant(name: str) -> None:
    """Reject `NaN` and `Infinity`, which Python's parser accepts although they are not JSON."""
    raise ValueError(f"{name} is not allowed")


def get_value(body: bytes, key: str) -> Any:
    """Return the value of `key` in the JSON object in `body`. Other keys are ignored.

    Raises:
        InvalidJson: The body is not JSON, the JSON is not an object, or the object lacks the key.
        MissingUpload: The object is empty.
    """
    if len(body) > _MAX_NON_ASCII_BYTES and not body.isascii():
        body = body.removeprefix(BOM_UTF8).translate(_NON_ASCII)
    document = parse_json(body, _MAX_BRACKETS, _MAX_COMMAS)
    if not isinstance(document, dict):
        raise InvalidJson(f"The JSON is not an object; expected an object with the key {key!r}.")
    if not document:
        raise MissingUpload(
            f"The JSON object is empty; expected the key {key!r}. Send the image as base64 under "
            "this key."
        )
    if key not in document:
        raise InvalidJson(
            f"The JSON has the keys {', '.join(document)[:200]}; expected the key {key!r}. Send "
            "the image as base64 under this key."
        )
    return document[key]


def decode_image(value: Any, max_bytes: int) -> bytes:
    """Decode an image that is given as base64 or as a `data:` URL.

    Raises:
        InvalidBase64: `value` is not base64 and not a `data:` URL with base64.
        EmptyUpload: The image has 0 bytes.
        UploadTooLarge: The image has more than `max_bytes`.
    """
    encoded = strip_data_url(value)
    # For a single character `decoded_size` returns 0. A single character is invalid base64, not an
    # empty file, so use the length of the text then.
    check_size(decoded_size(encoded) or len(encoded), max_bytes)
    return decode_base64(encoded)


def strip_data_url(value: Any) -> str:
    """Return the base64 in `value` in the standard alphabet.

    Whitespace and the beginning of a `data:` URL are removed. The base64 itself is not checked.

    Raises:
        InvalidBase64: `value` is not a string, or it contains a character that is not ASCII, or it
            is a URL other than a `data:` URL with base64.
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
            f"The URL begins with {value[:30]!r}; expected a URL such as "
            "data:image/png;base64,iVBORw0..."
        )
    return text[prefix.end() :]


def decoded_size(encoded: str) -> int:
    """Return the decoded size of base64 text in bytes. Padding is optional and does not count."""
    return len(encoded.rstrip("=")) * 3 // 4


def decode_base64(encoded: str) -> bytes:
    """Decode base64 in the standard or the URL-safe alphabet. Padding is optional.

    Source: RFC 4648, sections 3.2, 4 and 5.

    Raises:
        InvalidBase64: `encoded` has a character that is not in these alphabets, a wrong length or
            wrong padding.
    """
    text = encoded.replace("-", "+").replace("_", "/")
    expected_padding = -len(text.rstrip("=")) % 4
    padding = len(text) - len(text.rstrip("="))
    if expected_padding == 3:
        raise _invalid_base64("its length is wrong")
    if padding not in (0, expected_padding):
        raise _invalid_base64("its padding is wrong")
    try:
        return base64.b64decode(text if padding else text + "=" * expected_padding, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid_base64(str(error)) from error


def _invalid_base64(reason: str) -> InvalidBase64:
    return InvalidBase64(
        f"The image is not valid base64 ({reason}). Encode the bytes of the file, as in: "
        "base64 -w0 4.jpg"
    )
