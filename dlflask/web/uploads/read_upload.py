"""Extraction of image files from a Flask request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Request
from werkzeug.datastructures import FileStorage

from dlflask.errors import MissingUpload, TooManyUploads, UploadError
from dlflask.web.json_upload import decode_image, get_value
from dlflask.web.uploads.form_parts import find_parts, read_part
from dlflask.web.uploads.limits import MAX_UPLOADS, check_count, check_size
from dlflask.web.uploads.raw_body import is_image, read_raw_body

FORM_TYPE = "multipart/form-data"


def read_upload(request: Request, max_bytes: int) -> bytes:
    """Return the image in a multipart form or in JSON, or the body if it is itself an image.

    A body that begins like an image is an image even if its type is `application/json`.

    Raises:
        MissingUpload: No part is named `image` or `file`, or no file was chosen in the form.
        TooManyUploads: More than one part contains an image.
        EmptyUpload: The image has 0 bytes.
        UploadTooLarge: The image has more than `max_bytes` bytes.
        InvalidJson: The body is not JSON of the form {"image": ...}.
        InvalidBase64: The image in the JSON, or a part without a file name, is not base64.
        DamagedImage: curl has removed bytes from the image in the body.
        UnsupportedMediaType: The body is not a multipart form, JSON or an image.
    """
    if request.mimetype == FORM_TYPE:
        return _read_only_part(request, max_bytes)
    if not request.is_json:
        return read_raw_body(request, max_bytes)
    body = request.get_data(cache=False)
    if is_image(body):
        check_size(len(body), max_bytes)
        return body
    value = get_value(body, "image")
    del body  # Free its memory (at most 16 MB) before `decode_image` copies the value.
    return decode_image(value, max_bytes)


def read_uploads(
    request: Request, max_bytes: int, max_images: int = MAX_UPLOADS
) -> list[bytes | UploadError]:
    """Return the images of a multipart form or of JSON, or the body as a single image.

    Returns:
        For each image, in the order of the request, its bytes or the error that `read_upload` would
        raise for it.

    Raises:
        MissingUpload: No part is named `image` or `file`, or the list of images in the JSON is
            missing or empty.
        TooManyUploads: There are more than `max_images` images, or some parts are named `image`
            and other parts are named `file`.
        InvalidJson: The body is not JSON of the form {"images": [...]}.
        DamagedImage: curl has removed bytes from the image in the body.
        UnsupportedMediaType: The body is not a multipart form, JSON or an image.
    """
    if request.mimetype == FORM_TYPE:
        # Allow more parts than images, because the form may also have other fields. If it has too
        # many images, parse all of them, so that the error can state how many there are.
        request.max_form_parts = 2 * MAX_UPLOADS
        return _read_parts(find_parts(request), max_bytes, max_images)
    if not request.is_json:
        return [read_raw_body(request, max_bytes)]
    body = request.get_data(cache=False)
    if is_image(body):
        check_size(len(body), max_bytes)
        return [body]
    return _read_list(get_value(body, "images"), max_bytes, max_images)


def _read_only_part(request: Request, max_bytes: int) -> bytes:
    parts = find_parts(request)
    if len(parts) > 1:
        raise TooManyUploads(
            f"The form has {len(parts)} images; expected one image. Send one image per request, or "
            "send several images to POST /predictlabels."
        )
    return read_part(parts[0], max_bytes)


def _read_parts(
    parts: list[FileStorage], max_bytes: int, max_images: int
) -> list[bytes | UploadError]:
    check_count(len(parts), max_images)
    if len({part.name for part in parts}) > 1:
        raise TooManyUploads(
            "The form has images in parts named 'image' and in parts named 'file', so their order "
            "is unknown. Name all parts 'image'."
        )
    return [_read_or_error(read_part, part, max_bytes) for part in parts]


def _read_list(values: Any, max_bytes: int, max_images: int) -> list[bytes | UploadError]:
    if not isinstance(values, list):
        raise MissingUpload("The value of 'images' is not a list. Send a list of images in base64.")
    if not values:
        raise MissingUpload("The list 'images' is empty. Send a list of images in base64.")
    check_count(len(values), max_images)
    return [_read_or_error(decode_image, value, max_bytes) for value in values]


def _read_or_error(
    read: Callable[[Any, int], bytes], item: FileStorage | Any, max_bytes: int
) -> bytes | UploadError:
    try:
        return read(item, max_bytes)
    except UploadError as error:
        return error
