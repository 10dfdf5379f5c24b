"""Error handlers: RFC 9457 problems as JSON, or the page for a person in a browser."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, json, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, default_exceptions

from dlflask import errors
from dlflask.problem_types import PLAIN_TYPE, PROBLEMS, problem_type
from dlflask.web.middleware.environ import OUT_OF_MEMORY, PROBLEM_TYPE, REQUEST_ID
from dlflask.web.middleware.request_body import BrokenBody, drain_body

#: Details of Werkzeug's errors that replace its general ones.
_DETAILS = {
    HTTPStatus.NOT_FOUND: "The address {path} does not exist. The page is at /; send images to "
    "POST /predictlabel or POST /predictnumber, and tensors to POST /v2/models/mnist/infer.",
    HTTPStatus.METHOD_NOT_ALLOWED: "{method} is not allowed at {path}; allowed: {allowed}.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request is larger than the limit of "
    "{limit:.1f} MB, has more than {parts} parts, or its parts have too long headers. Send fewer "
    "or smaller images.",
}

#: Value of Retry-After with 503, in seconds; NGINX sends the same. A queue of small images is
#: finished by then.
RETRY_SECONDS = 2

_log = logging.getLogger(__name__)


def register_problems(app: Flask) -> None:
    """Make `app` return a problem for every exception."""
    app.register_error_handler(errors.DlflaskError, _domain_problem)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(Exception, _unexpected_problem)


def to_problem(error: errors.DlflaskError) -> dict[str, Any]:
    """Return the problem of one image among several, without `request_id`."""
    status, title = PROBLEMS[type(error)]
    return _problem(status, title, str(error), problem_type(type(error)))


def _domain_problem(error: errors.DlflaskError) -> Response:
    status, title = PROBLEMS[type(error)]
    response = _respond(status, title, str(error), problem_type(type(error)))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _http_problem(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    response = _respond(status, error.name, _http_detail(error, status), PLAIN_TYPE)
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    if isinstance(error, RequestEntityTooLarge):
        drain_body(request.environ["wsgi.input"])
    if isinstance(error, (RequestEntityTooLarge, BrokenBody)):
        response.headers["Connection"] = "close"
    return response


def _http_detail(error: HTTPException, status: HTTPStatus) -> str:
    template = _DETAILS.get(status)
    if template is None or error.description != default_exceptions[status].description:
        # Not formatted: a description may contain braces that a client sent.
        return error.description or status.description
    return template.format(
        path=request.path,
        method=request.method,
        allowed=", ".join(sorted(getattr(error, "valid_methods", None) or ())),
        limit=(request.max_content_length or 0) / 1e6,
        parts=request.max_form_parts,
    )


def _unexpected_problem(error: Exception) -> Response:
    problem = report_unexpected(error, request.environ)
    return _respond(
        HTTPStatus.INTERNAL_SERVER_ERROR, problem["title"], problem["detail"], PLAIN_TYPE
    )


def report_unexpected(error: Exception, environ: dict[str, Any]) -> dict[str, Any]:
    """Log an unexpected exception and return its problem; mark the request after a MemoryError."""
    request_id = environ[REQUEST_ID]
    if isinstance(error, MemoryError):
        environ[OUT_OF_MEMORY] = True
    _log.error(
        "unexpected error, request %s",
        request_id,
        exc_info=error,
        extra={"request_id": request_id},
    )
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    detail = f"The service failed on this request. Report it with the request ID {request_id}."
    return _problem(status, status.phrase, detail, PLAIN_TYPE) | {"request_id": request_id}


def _respond(status: HTTPStatus, title: str, detail: str, type_: str) -> Response:
    request.environ[PROBLEM_TYPE] = type_
    if prefers_page():
        return make_response(render_template("index.html", error=detail), status)
    if _is_inference_protocol():
        # The Open Inference Protocol has its own form of errors.
        return make_response(jsonify(error=detail), status)
    problem = _problem(status, title, detail, type_)
    problem["request_id"] = request.environ[REQUEST_ID]
    return Response(json.dumps(problem) + "\n", status, mimetype="application/problem+json")


def _problem(status: HTTPStatus, title: str, detail: str, type_: str) -> dict[str, Any]:
    return {
        "type": type_,
        "title": title,
        "status": int(status),
        "detail": detail,
        "success": False,
    }


def _is_inference_protocol() -> bool:
    return f"{request.path}/".startswith("/v2/")


def prefers_page() -> bool:
    """Return True for a browser that opens an address or sends the page's form."""
    if (request.method == "POST" and request.path != "/") or _is_inference_protocol():
        return False
    offered = ["application/problem+json", "text/html"]
    return request.accept_mimetypes.best_match(offered) == "text/html"
