"""A Flask request in, the bytes of the picture or pictures it carries out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import UnsupportedMediaType

from dlflask.errors import (
    EmptyUpload,
    MissingUpload,
    TooManyUploads,
    UploadError,
    UploadTooLarge,
)
from dlflask.web.json_upload import base64_of, decode_base64, decoded_size, value_of

#: Pictures that one request may carry. Batches beyond 64 are no quicker per picture, and this many
#: photos are some seconds' work, well inside the 30 s that a proxy waits.
MAX_UPLOADS = 256

#: The same where details are asked for: the saliency of one takes as long as sixty pictures.
MAX_DETAILED = 64

#: Form parts that may hold the picture; clients of the original service send the first.
PART_NAMES = ("image", "file")


def read_upload(request: Request, max_bytes: int) -> bytes:
    """The picture in a multipart form, in JSON, or the whole body where its type is `image/*`.

    Raises:
        MissingUpload: No part is named `image` or `file`, or no file was chosen in the form.
        TooManyUploads: More than one part holds a picture.
        EmptyUpload: The picture has 0 bytes.
        UploadTooLarge: The picture has more than `max_bytes`.
        InvalidJson: The body is not {"image": ...}.
        InvalidBase64: The picture in the JSON is not base64.
        UnsupportedMediaType: The body is neither a multipart form nor JSON nor a picture.
    """
    if request.mimetype == "multipart/form-data":
        return _read_file(_one_part(request), max_bytes)
    if request.is_json:
        return _decode(value_of(request.get_data(cache=False), "image", 1), max_bytes)
    return _read_body(request, max_bytes)


def read_uploads(
    request: Request, max_bytes: int, max_number: int = MAX_UPLOADS
) -> list[bytes | UploadError]:
    """The pictures of a multipart form or of JSON, in the order sent; a raw picture is one.

    Returns:
        For each, its bytes, or what `read_upload` raises of it alone.

    Raises:
        MissingUpload: No part is named `image` or `file`.
        TooManyUploads: There are more than `max_number`, or their order is lost between names.
        InvalidJson: The body is not {"images": [...]}.
        UnsupportedMediaType: The body is neither a multipart form nor JSON nor a picture.
    """
    if request.is_json:
        return _read_json_list(request.get_data(cache=False), max_bytes, max_number)
    if request.mimetype != "multipart/form-data":
        return [_read_body(request, max_bytes)]
    # Some more, for a form's other fields and for a refusal that counts the pictures.
    request.max_form_parts = 2 * MAX_UPLOADS
    parts = _parts(request)
    _check_number(len(parts), max_number)
    if all(request.files.getlist(name) for name in PART_NAMES):
        raise TooManyUploads(
            "The form has pictures in the parts 'image' and 'file', which have no order among "
            "each other. Name all of them 'image'."
        )
    return [_or_fault(_read_file, part, max_bytes) for part in parts]


def _read_body(request: Request, max_bytes: int) -> bytes:
    if request.mimetype.startswith("image/"):
        upload = request.get_data(cache=False)
        check_size(len(upload), max_bytes)
        return upload
    if not request.mimetype and not request.content_length:
        raise MissingUpload(
            "The request has no body. Send the picture as the part 'image' of a multipart form, "
            "as in: curl -F image=@4.jpg"
        )
    raise UnsupportedMediaType(
        f"The request is of type {request.mimetype[:100] or 'unknown'}. Send the picture as the "
        "part 'image' of a multipart form, as in: curl -F image=@4.jpg"
    )


def check_size(num_bytes: int, max_bytes: int) -> None:
    """Refuse a picture of no bytes, or of more than the limit.

    Raises:
        EmptyUpload: It has 0 bytes.
        UploadTooLarge: It has more than `max_bytes`.
    """
    if not num_bytes:
        raise EmptyUpload("The picture has 0 bytes. Choose a file that holds a picture.")
    if num_bytes > max_bytes:
        raise UploadTooLarge(
            f"The picture is {num_bytes / 1e6:.1f} MB; the limit is {max_bytes / 1e6:.1f} MB. "
            "Send a smaller picture."
        )


def _one_part(request: Request) -> FileStorage:
    parts = _parts(request)
    if len(parts) > 1:
        raise TooManyUploads(
            f"The form holds {len(parts)} pictures; one is read here. Send one per request, or "
            "several to POST /predictlabels."
        )
    return parts[0]


def _parts(request: Request) -> list[FileStorage]:
    parts = [part for name in PART_NAMES for part in request.files.getlist(name)]
    if not parts:
        # A part may come without a name: its key is None.
        names = sorted(name for name in {*request.files, *request.form} if name)
        came = f"has the parts: {', '.join(names)[:200]}" if names else "has no parts"
        raise MissingUpload(
            f"The form {came}. Send the picture as a file in the part 'image', "
            "as in: curl -F image=@4.jpg"
        )
    return parts


def _read_file(part: FileStorage, max_bytes: int) -> bytes:
    upload: bytes = part.read()
    if not upload and not part.filename:
        raise MissingUpload("No picture was chosen. Choose a picture, then send the form.")
    check_size(len(upload), max_bytes)
    return upload


def _read_json_list(body: bytes, max_bytes: int, max_number: int) -> list[bytes | UploadError]:
    values = value_of(body, "images", MAX_UPLOADS)
    if not isinstance(values, list) or not values:
        raise MissingUpload("The key 'images' holds no list of pictures. Send one, as base64.")
    _check_number(len(values), max_number)
    return [_or_fault(_decode, value, max_bytes) for value in values]


def _decode(value: Any, max_bytes: int) -> bytes:
    encoded = base64_of(value)
    # What is too short to be base64 is not empty.
    check_size(decoded_size(encoded) or len(encoded), max_bytes)
    return decode_base64(encoded)


def _check_number(number: int, max_number: int) -> None:
    if number > max_number:
        with_details = " with details" if max_number < MAX_UPLOADS else ""
        raise TooManyUploads(
            f"The request holds {number} pictures; up to {max_number} are read at a "
            f"time{with_details}. Send the others in further requests."
        )


def _or_fault(
    read: Callable[[Any, int], bytes], one: FileStorage | Any, max_bytes: int
) -> bytes | UploadError:
    try:
        return read(one, max_bytes)
    except UploadError as fault:
        return fault
