"""Read an image that is itself the body of a request.

Many clients send a wrong Content-Type. Unless the type is `image/*`, the first bytes of the body
therefore decide whether the body is an image.
"""

from __future__ import annotations

import re

from flask import Request
from werkzeug.exceptions import UnsupportedMediaType

from dlflask.errors import DamagedImage, MissingUpload
from dlflask.imaging.formats.signatures import find_image
from dlflask.web.form_request import read_start
from dlflask.web.uploads.limits import check_size

#: Number of bytes at the start of a body that are compared with the image formats.
_START_BYTES = 512

#: Content types that do not state the format of the body.
_UNKNOWN_TYPES = ("", "application/octet-stream", "binary/octet-stream")

#: Content type that curl sends for `-d` and `--data-binary`.
_URLENCODED = "application/x-www-form-urlencoded"

#: Beginning of a multipart form.
_FORM_START = re.compile(rb"--[^\r\n]+\r?\nContent-Disposition:", re.IGNORECASE)

#: Beginning of a JSON object or list.
_JSON_START = re.compile(rb'\s*[{\[]\s*["{}\]]')

#: Bytes that `curl -d @FILE` deletes. The start of an image in any format contains at least one of
#: these bytes. A binary body whose start lacks all of them is therefore damaged.
_DELETED_BY_CURL = re.compile(rb"[\r\n\0]")


def is_image(body: bytes) -> bool:
    """Return True if a body begins like an image in a supported format."""
    return find_image(body[:_START_BYTES]) is not None


def read_raw_body(request: Request, max_bytes: int) -> bytes:
    """Return the body as an image, or raise an error if the body cannot be an image.

    If the content type is in `_UNKNOWN_TYPES`, return any body that does not look like a form or
    JSON. The image decoder then checks the body.

    Raises:
        EmptyUpload: The type is `image/*` and the body is empty.
        MissingUpload: The body is empty and the type is not `image/*`.
        UploadTooLarge: The image has more than `max_bytes` bytes.
        DamagedImage: curl has removed bytes from the image.
        UnsupportedMediaType: The body cannot be an image. Only its first bytes have been read.
    """
    content_type = request.mimetype
    start = b"" if content_type.startswith("image/") else _check_start(request)
    upload = start + request.get_data(cache=False)
    check_size(len(upload), max_bytes)
    return upload


def _check_start(request: Request) -> bytes:
    """Return the first bytes of the body, or raise an error if the body cannot be an image."""
    content_type = request.mimetype
    start = read_start(request.stream, _START_BYTES)
    if not start:
        raise MissingUpload(
            "The request body is empty. Send the image as the part 'image' of a multipart form, "
            "as in: curl -F image=@4.jpg"
        )
    is_binary = not start.isascii()
    if content_type == _URLENCODED and is_binary and not _DELETED_BY_CURL.search(start):
        raise DamagedImage(
            "The image is damaged: curl -d removed its line feeds and zero bytes. Send it as in: "
            "curl -F image=@4.jpg"
        )
    if is_image(start):
        return start
    if _FORM_START.match(start):
        advice = "Send the header Content-Type of the form, with its boundary, as curl -F does."
        raise _unsupported(content_type, "looks like a multipart form", advice)
    if _JSON_START.match(start):
        advice = "Send the header Content-Type: application/json."
        raise _unsupported(content_type, "looks like JSON", advice)
    if content_type not in _UNKNOWN_TYPES:
        advice = "Send the image as the part 'image' of a form, as in: curl -F image=@4.jpg"
        raise _unsupported(content_type, f"begins with {start[:16]!r}", advice)
    return start


def _unsupported(content_type: str, content: str, advice: str) -> UnsupportedMediaType:
    return UnsupportedMediaType(
        f"The request has the type {content_type[:100] or 'unknown'}, and its body {content}; "
        f"expected a multipart form, JSON or an image. {advice}"
    )
