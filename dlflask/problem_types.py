"""HTTP status, title and URN of each exception that a request can cause.

One table for the error handlers, the metrics and the API description. It needs no Flask.

Source: RFC 9457.
"""

from __future__ import annotations

import re
from http import HTTPStatus

from dlflask import errors

#: Status and title of each error.
PROBLEMS: dict[type[errors.DlflaskError], tuple[HTTPStatus, str]] = {
    errors.MissingUpload: (HTTPStatus.BAD_REQUEST, "No picture was sent"),
    errors.TooManyUploads: (HTTPStatus.BAD_REQUEST, "Too many pictures were sent"),
    errors.InvalidJson: (HTTPStatus.BAD_REQUEST, "The JSON cannot be read"),
    errors.InvalidBase64: (HTTPStatus.UNPROCESSABLE_ENTITY, "The base64 cannot be read"),
    errors.InvalidInferRequest: (
        HTTPStatus.BAD_REQUEST,
        "The inference request cannot be read",
    ),
    errors.EmptyUpload: (HTTPStatus.BAD_REQUEST, "The picture is empty"),
    errors.UploadTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The picture is too large"),
    errors.UnsupportedImage: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Not a picture format read here"),
    errors.DamagedImage: (HTTPStatus.UNPROCESSABLE_ENTITY, "The picture is damaged"),
    errors.TooManyPixels: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The picture has too many pixels"),
    # Not 413: the file may be small, and a smaller one of its kind would not help.
    errors.TooComplex: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The picture takes too much to decode",
    ),
    errors.BlankImage: (HTTPStatus.UNPROCESSABLE_ENTITY, "The picture shows no digit"),
    # NGINX sends the request to another replica after 502 only. A busy replica (503) would pass its
    # load on, and an unexpected error (500) would occur there too.
    errors.SelfTestFailed: (
        HTTPStatus.BAD_GATEWAY,
        "The service failed its self-test",
    ),
    errors.Expired: (HTTPStatus.SERVICE_UNAVAILABLE, "The service is overloaded"),
    errors.OutOfTime: (HTTPStatus.SERVICE_UNAVAILABLE, "The batch takes too long"),
    errors.Busy: (HTTPStatus.SERVICE_UNAVAILABLE, "The service is decoding large pictures"),
    errors.Abandoned: (HTTPStatus.BAD_REQUEST, "The connection was closed too early"),
}

#: Type of a problem that says no more than its status.
PLAIN_TYPE = "about:blank"


def problem_type(error: type[errors.DlflaskError]) -> str:
    """Return the URN of an error: `BlankImage` is `urn:dlflask:problem:blank-image`."""
    words = re.findall("[A-Z][a-z0-9]*", error.__name__)
    return f"urn:dlflask:problem:{'-'.join(words).lower()}"
