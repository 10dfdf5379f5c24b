"""Extraction of image files from a Flask request: a multipart form, JSON, or the body itself."""

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
from dlflask.web.json_upload import decode_base64, decoded_size, get_value, strip_data_url

#: Most images of one request. Larger batches do not save time: the throughput is level from 64 on.
MAX_UPLOADS = 256

#: Most images of one request for details. The saliency of one image takes as long as sixty images.
MAX_DETAILED = 64

#: Names of the form parts that may hold an image; clients of the original service send the first.
PART_NAMES = ("image", "file")


def read_upload(request: Request, max_bytes: int) -> bytes:
    """Return the image in a multipart form, in JSON, or in the body if its type is `image/*`.

    Raises:
        MissingUpload: No part is named `image` or `file`, or no file was chosen in the form.
        TooManyUploads: More than one part holds an image.
        EmptyUpload: The image has 0 bytes.
        UploadTooLarge: The image has more than `max_bytes`.
        InvalidJson: The body is not {"image": ...}.
        InvalidBase64: The image in the JSON is not base64.
        UnsupportedMediaType: The body is not a multipart form, JSON or an image.
    """
    if request.mimetype == "multipart/form-data":
        return _read_file(_one_part(request), max_bytes)
    if request.is_json:
        return _decode(get_value(request.get_data(cache=False), "image"), max_bytes)
    return _read_body(request, max_bytes)


def read_uploads(
    request: Request, max_bytes: int, max_number: int = MAX_UPLOADS
) -> list[bytes | UploadError]:
    """Return the images of a multipart form or of JSON in the order sent, or the body as one image.

    Returns:
        The bytes of each image, or the error that `read_upload` raises for it.

    Raises:
        MissingUpload: No part is named `image` or `file`.
        TooManyUploads: There are more than `max_number`, or their parts have two names.
        InvalidJson: The body is not {"images": [...]}.
        UnsupportedMediaType: The body is not a multipart form, JSON or an image.
    """
    if request.is_json:
        return _read_json_list(request.get_data(cache=False), max_bytes, max_number)
    if request.mimetype != "multipart/form-data":
        return [_read_body(request, max_bytes)]
    # More than MAX_UPLOADS, so that the form may have other fields, and the error below can count.
    request.max_form_parts = 2 * MAX_UPLOADS
    parts = _parts(request)
    _check_number(len(parts), max_number)
    if all(request.files.getlist(name) for name in PART_NAMES):
        raise TooManyUploads(
            "The form has images in parts named 'image' and in parts named 'file', so their order "
            "is unknown. Name all parts 'image'."
        )
    return [_read_or_error(_read_file, part, max_bytes) for part in parts]


def _read_body(request: Request, max_bytes: int) -> bytes:
    if request.mimetype.startswith("image/"):
        upload = request.get_data(cache=False)
        check_size(len(upload), max_bytes)
        return upload
    if not request.mimetype and not request.content_length:
        raise MissingUpload(
            "The request body is empty. Send the image as the part 'image' of a multipart form, "
            "as in: curl -F image=@4.jpg"
        )
    raise UnsupportedMediaType(
        f"The request has the type {request.mimetype[:100] or 'unknown'}; expected a multipart "
        "form, JSON or image/*. Send the image as the part 'image' of a multipart form, as in: "
        "curl -F image=@4.jpg"
    )


def check_size(num_bytes: int, max_bytes: int) -> None:
    """Raise if an image file is empty or larger than the limit.

    Raises:
        EmptyUpload: `num_bytes` is 0.
        UploadTooLarge: `num_bytes` is more than `max_bytes`.
    """
    if not num_bytes:
        raise EmptyUpload("The image file has 0 bytes. Send a file that contains an image.")
    if num_bytes > max_bytes:
        raise UploadTooLarge(
            f"The image file has {num_bytes / 1e6:.1f} MB; the limit is {max_bytes / 1e6:.1f} MB. "
            "Send a smaller image."
        )


def _one_part(request: Request) -> FileStorage:
    parts = _parts(request)
    if len(parts) > 1:
        raise TooManyUploads(
            f"The form has {len(parts)} images; expected one. Send one image per request, or "
            "several to POST /predictlabels."
        )
    return parts[0]


def _parts(request: Request) -> list[FileStorage]:
    parts = [part for name in PART_NAMES for part in request.files.getlist(name)]
    if not parts:
        # The key of a part without a name is None.
        names = sorted(name for name in {*request.files, *request.form} if name)
        received = f"has the parts: {', '.join(names)[:200]}" if names else "is empty"
        raise MissingUpload(
            f"The form {received}; expected a file in the part 'image'. Send it as in: "
            "curl -F image=@4.jpg"
        )
    return parts


def _read_file(part: FileStorage, max_bytes: int) -> bytes:
    upload: bytes = part.read()
    if not upload and not part.filename:
        raise MissingUpload("No picture was chosen. Choose a picture, then send the form.")
    check_size(len(upload), max_bytes)
    return upload


def _read_json_list(body: bytes, max_bytes: int, max_number: int) -> list[bytes | UploadError]:
    values = get_value(body, "images")
    if not isinstance(values, list) or not values:
        raise MissingUpload(
            "The value of 'images' is not a list, or it is empty. Send a list of images in base64."
        )
    _check_number(len(values), max_number)
    return [_read_or_error(_decode, value, max_bytes) for value in values]


def _decode(value: Any, max_bytes: int) -> bytes:
    encoded = strip_data_url(value)
    # `decoded_size` rounds one character down to 0, which is invalid base64 and not an empty file.
    check_size(decoded_size(encoded) or len(encoded), max_bytes)
    return decode_base64(encoded)


def _check_number(number: int, max_number: int) -> None:
    if number > max_number:
        with_details = " with details" if max_number < MAX_UPLOADS else ""
        raise TooManyUploads(
            f"The request has {number} images; the limit is {max_number}{with_details}. Send the "
            "others in further requests."
        )


def _read_or_error(
    read: Callable[[Any, int], bytes], one: FileStorage | Any, max_bytes: int
) -> bytes | UploadError:
    try:
        return read(one, max_bytes)
    except UploadError as error:
        return error
