"""HTTP status, title and URN of each exception that a request can cause.

The error handlers, the metrics and the API description share this table. It does not need Flask.

Source: RFC 9457.
"""

from __future__ import annotations

import re
from http import HTTPStatus

from dlflask import errors

#: Status and title of each error.
PROBLEMS: dict[type[errors.DlflaskError], tuple[HTTPStatus, str]] = {
    errors.MissingUpload: (HTTPStatus.BAD_REQUEST, "No image was sent"),
    errors.TooManyUploads: (HTTPStatus.BAD_REQUEST, "Too many images were sent"),
    errors.InvalidJson: (HTTPStatus.BAD_REQUEST, "Invalid JSON"),
    errors.InvalidBase64: (HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid base64"),
    errors.InvalidInferRequest: (HTTPStatus.BAD_REQUEST, "Invalid inference request"),
    errors.InvalidLength: (HTTPStatus.BAD_REQUEST, "Invalid length"),
    errors.EmptyUpload: (HTTPStatus.BAD_REQUEST, "The image is empty"),
    errors.UploadTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The image is too large"),
    errors.UnsupportedImage: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Unsupported image format"),
    errors.DamagedImage: (HTTPStatus.UNPROCESSABLE_ENTITY, "The image is damaged"),
    errors.TooManyPixels: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The image has too many pixels"),
    # Not 413: the file may be small, and a smaller one of its kind would not help.
    errors.TooComplex: (HTTPStatus.UNPROCESSABLE_ENTITY, "The image is too complex"),
    errors.BlankImage: (HTTPStatus.UNPROCESSABLE_ENTITY, "The image shows no digit"),
    # NGINX sends the request to another replica after 502 only. A busy replica (503) would pass its
    # load on, and an unexpected error (500) would occur there too.
    errors.SelfTestFailed: (HTTPStatus.BAD_GATEWAY, "The service failed its self-test"),
    errors.Expired: (HTTPStatus.SERVICE_UNAVAILABLE, "The service is overloaded"),
    errors.OutOfTime: (HTTPStatus.SERVICE_UNAVAILABLE, "The batch takes too long"),
    errors.Busy: (HTTPStatus.SERVICE_UNAVAILABLE, "The service is decoding large images"),
    errors.Abandoned: (HTTPStatus.BAD_REQUEST, "The connection was closed too early"),
}

#: Type of a problem that its status describes completely.
PLAIN_TYPE = "about:blank"


def problem_type(error: type[errors.DlflaskError]) -> str:
    """Return the URN of an error, such as `urn:dlflask:problem:blank-image` for `BlankImage`."""
    words = re.findall("[A-Z][a-z0-9]*", error.__name__)
    return f"urn:dlflask:problem:{'-'.join(words).lower()}"
