"""Images in a JSON body, as base64 or `data:` URLs."""

from __future__ import annotations

import base64
import binascii
import json
import re
from codecs import BOM_UTF8
from typing import Any

from dlflask.errors import InvalidBase64, InvalidJson, MissingUpload
from dlflask.web.uploads.limits import check_size

#: Maximum length in characters of the beginning of a `data:` URL, up to its comma. The regular
#: expression remembers one backtracking position per parameter (`;name=value`). Without this limit,
#: a URL with many parameters would take a lot of memory.
_MAX_URL_PREFIX = 300

#: Table for `str.translate`. It deletes whitespace from base64, because mail programs and the
#: command `base64` break base64 into lines. It also replaces the URL-safe alphabet by the standard
#: alphabet. A separate step for that would copy the text again, and a copy may take 16 MB.
_CLEANING_TABLE = {**dict.fromkeys(map(ord, " \t\n\r\v\f")), **str.maketrans("-_", "+/")}

#: Maximum size in bytes of a body whose non-ASCII characters are kept. Decoded to a `str`, a body
#: with such characters takes up to four times as much memory. In a larger body each byte of such a
#: character becomes a question mark.
_MAX_NON_ASCII_BYTES = 100_000

#: Table for `bytes.translate` that replaces each byte of a non-ASCII character.
_QUESTION_MARKS = bytes.maketrans(bytes(range(128, 256)), b"?" * 128)

#: Maximum number of opening brackets and of commas in a body. A list of 256 `data:` URLs has 512
#: commas: one in each URL, and one after it. The rest is for other keys, which are ignored.
_MAX_BRACKETS = 1_000
_MAX_COMMAS = 5_000

#: Beginning of a `data:` URL, such as `data:image/png;base64,`. The media type is ignored, because
#: the bytes of the image show its format. `_CLEANING_TABLE` has already replaced underscores in the
#: URL by slashes.
#: Source: RFC 2397.
_DATA_URL = re.compile(r"data:(?:[\w.+/]+/[\w.+/]+)?(?:;[\w.+/]+=[^;,]*)*;base64,", re.IGNORECASE)

#: Beginning of any URL, such as `https:` or `data:`.
_URL = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def parse_json(body: bytes, max_brackets: int, max_commas: int) -> Any:
    """Parse a JSON body, unless it has too many brackets or commas.

    A body of many `[],` would take twenty times its size in memory, and a body of many `[` would
    exhaust the stack. Base64 does not contain these characters, so the limits do not restrict the
    size of an image. JSON is UTF-8 (RFC 8259, section 8.1). A byte order mark is accepted.

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
        body = body.removeprefix(BOM_UTF8).translate(_QUESTION_MARKS)
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
        InvalidBase64: `value` is neither base64 nor a `data:` URL with base64.
        EmptyUpload: The image has 0 bytes.
        UploadTooLarge: The image has more than `max_bytes` bytes.
    """
    encoded = strip_data_url(value)
    # `decoded_size` returns 0 for a single character. Use the length of the text then, because a
    # single character is invalid base64, not an empty file.
    check_size(decoded_size(encoded) or len(encoded), max_bytes)
    return decode_base64(encoded)


def strip_data_url(value: Any) -> str:
    """Return the base64 in `value` in the standard alphabet, without checking it.

    Remove whitespace, and remove the beginning of a `data:` URL.

    Raises:
        InvalidBase64: `value` is not a string, contains a character that is not ASCII, or is a URL
            other than a `data:` URL with base64.
    """
    if not isinstance(value, str):
        raise InvalidBase64(f"The image is {json.dumps(value)[:20]}; expected a string of base64.")
    if not value.isascii():
        raise _invalid_base64("it has characters that are not ASCII")
    text = value.translate(_CLEANING_TABLE)
    url = _URL.match(text[:_MAX_URL_PREFIX])
    if url is None:
        return text
    if url[0].lower() != "data:":
        raise InvalidBase64(
            f"The image is the URL {value[:30]!r}, but the service does not download images. Send "
            "the file itself as base64, which this command prints: base64 -w0 4.jpg"
        )
    prefix = _DATA_URL.match(text[:_MAX_URL_PREFIX])
    if prefix is None:
        raise InvalidBase64(
            f"The URL begins with {value[:30]!r}; expected a URL such as "
            "data:image/png;base64,iVBORw0..."
        )
    return text[prefix.end() :]


def decoded_size(encoded: str) -> int:
    """Return the size in bytes of the data that a base64 text encodes. Padding may be missing."""
    return len(encoded.rstrip("=")) * 3 // 4


def decode_base64(encoded: str) -> bytes:
    """Decode base64 in the standard or the URL-safe alphabet. Padding is optional.

    Source: RFC 4648, sections 3.2, 4 and 5.

    Raises:
        InvalidBase64: `encoded` has a wrong length or wrong padding, or has a character that is not
            in these alphabets.
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
