"""HTTP status, title and URN of each exception that a request can cause.

The service reports an error as a problem document, a JSON object defined by RFC 9457. The error
handlers, the metrics and the API description share this table, which does not need Flask.

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
    # The status is not 413 (too large), because even a small file can be too complex.
    errors.TooComplex: (HTTPStatus.UNPROCESSABLE_ENTITY, "The image is too complex"),
    errors.BlankImage: (HTTPStatus.UNPROCESSABLE_ENTITY, "The image shows no digit"),
    # NGINX repeats a request on another replica only after 502. After a failed self-test, which
    # concerns this replica only, another replica can help. After 503, repeating would move the load
    # of a busy replica to others. After 500, other replicas would probably have the same error.
    errors.SelfTestFailed: (HTTPStatus.BAD_GATEWAY, "The service failed its self-test"),
    errors.Expired: (HTTPStatus.SERVICE_UNAVAILABLE, "The service is overloaded"),
    errors.OutOfTime: (HTTPStatus.SERVICE_UNAVAILABLE, "The batch takes too long"),
    errors.Busy: (HTTPStatus.SERVICE_UNAVAILABLE, "The service is decoding large images"),
    errors.Abandoned: (HTTPStatus.BAD_REQUEST, "The connection was closed too early"),
}

#: Problem type of errors that the HTTP status describes completely, such as 404.
PLAIN_TYPE = "about:blank"


def problem_type(error: type[errors.DlflaskError]) -> str:
    """Return the URN of an error: `urn:dlflask:problem:blank-image` for `BlankImage`."""
    words = re.findall("[A-Z][a-z0-9]*", error.__name__)
    return f"urn:dlflask:problem:{'-'.join(words).lower()}"
