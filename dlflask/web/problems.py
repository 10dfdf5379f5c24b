"""Error handlers. They return an error as a problem document, or on the page.

A problem document is the JSON of an error (RFC 9457). People with a browser get the page instead.
"""

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

#: Texts that replace Werkzeug's own descriptions of errors, because those are too general.
_DETAILS = {
    HTTPStatus.NOT_FOUND: "The address {path} does not exist. The page is at {root}/. The API is "
    "described at {root}/reference. Send images to POST {root}/predictlabel or "
    "POST {root}/predictnumber, and tensors to POST {root}/v2/models/mnist/infer.",
    HTTPStatus.METHOD_NOT_ALLOWED: "{method} is not allowed at {path}; allowed: {allowed}.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request has {size} MB; the limit is {limit:.1f} MB. "
    "Send a smaller image, or several images in several requests.",
}

#: Value of Retry-After in seconds for the status 503. NGINX sends the same value. A worker reads a
#: queue of small images within this time.
RETRY_SECONDS = 2

_log = logging.getLogger(__name__)


def register_problems(app: Flask) -> None:
    """Make `app` return a problem document, or the page, for every exception."""
    app.register_error_handler(errors.DlflaskError, _dlflask_problem)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(Exception, _unexpected_problem)


def to_problem(error: errors.DlflaskError) -> dict[str, Any]:
    """Return the problem document, without `request_id`, of one image among several."""
    status, title = PROBLEMS[type(error)]
    return _problem(status, title, str(error), problem_type(type(error)))


def _dlflask_problem(error: errors.DlflaskError) -> Response:
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
    # The end of the body is unknown or unread, so the connection cannot serve another request.
    if isinstance(error, (RequestEntityTooLarge, BrokenBody)):
        response.headers["Connection"] = "close"
    return response


def _http_detail(error: HTTPException, status: HTTPStatus) -> str:
    template = _DETAILS.get(status)
    if template is None or error.description != default_exceptions[status].description:
        # Do not call `format`, because a description may contain braces that a client sent.
        return error.description or status.description
    length, limit = request.content_length, request.max_content_length or 0
    return template.format(
        path=request.script_root + request.path,
        root=request.script_root,
        method=request.method,
        allowed=", ".join(sorted(getattr(error, "valid_methods", None) or ())),
        size=f"over {limit / 1e6:.1f}" if length is None else f"{length / 1e6:.1f}",
        limit=limit / 1e6,
    )


def _unexpected_problem(error: Exception) -> Response:
    problem = report_unexpected(error, request.environ)
    return _respond(
        HTTPStatus.INTERNAL_SERVER_ERROR, problem["title"], problem["detail"], PLAIN_TYPE
    )


def report_unexpected(error: Exception, environ: dict[str, Any]) -> dict[str, Any]:
    """Log an unexpected exception and return its problem document.

    After a MemoryError, set `OUT_OF_MEMORY`, so that the server replaces the worker.
    """
    request_id = environ[REQUEST_ID]
    if isinstance(error, MemoryError):
        environ[OUT_OF_MEMORY] = True
    extra = {"request_id": request_id}
    _log.error("unexpected error, request %s", request_id, exc_info=error, extra=extra)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    detail = f"The service failed on this request. Report it with the request ID {request_id}."
    return _problem(status, status.phrase, detail, PLAIN_TYPE) | {"request_id": request_id}


def _respond(status: HTTPStatus, title: str, detail: str, type_: str) -> Response:
    request.environ[PROBLEM_TYPE] = type_
    if prefers_page():
        is_blank = type_ == problem_type(errors.BlankImage)
        return make_response(render_template("index.html", error=detail, is_blank=is_blank), status)
    if _is_inference_protocol():
        # The Open Inference Protocol defines its own JSON for errors.
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
    """Return True if the client is a browser that opens an address or sends the page's form."""
    if (request.method == "POST" and request.path != "/") or _is_inference_protocol():
        return False
    offered = ["application/problem+json", "text/html"]
    return request.accept_mimetypes.best_match(offered) == "text/html"
