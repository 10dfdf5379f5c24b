"""An error in, an RFC 9457 problem out: as JSON, or as the page for a person in a browser."""

from __future__ import annotations

import logging
from contextlib import suppress
from http import HTTPStatus
from typing import IO, Any

from flask import Flask, Response, json, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from dlflask import errors
from dlflask.problem_types import PLAIN_TYPE, PROBLEMS, problem_type
from dlflask.web.middleware.environ import OUT_OF_MEMORY, PROBLEM_TYPE, REQUEST_ID
from dlflask.web.middleware.request_body import BrokenBody

#: Werkzeug's own faults, where what came and what to do can be said better than it does.
_DETAILS = {
    HTTPStatus.NOT_FOUND: "There is nothing at {path}. The page is at /; pictures go to "
    "POST /predictlabel, tensors to POST /v2/models/mnist/infer.",
    HTTPStatus.METHOD_NOT_ALLOWED: "{method} is not allowed at {path}; allowed: {allowed}.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request is larger than the limit of "
    "{limit:.1f} MB, has more than {parts} parts, or too long headers in them. Send fewer or "
    "smaller pictures.",
}

#: Sent with every 503, as NGINX does with its own: by then a queue of small pictures is worked off.
RETRY_SECONDS = 2

#: A refused body is read up to here, so that its sender hears why; beyond, the connection is cut.
MAX_DRAINED_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024

_log = logging.getLogger(__name__)


def register_problems(app: Flask) -> None:
    """Answer every error that reaches `app` with a problem."""
    app.register_error_handler(errors.DlflaskError, _domain_problem)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(Exception, _unexpected_problem)


def to_problem(error: errors.DlflaskError) -> dict[str, Any]:
    """The problem of one picture among several; `request_id` is that of the answer."""
    status, title = PROBLEMS[type(error)]
    return _problem(status, title, str(error), problem_type(type(error)))


def _domain_problem(error: errors.DlflaskError) -> Response:
    status, title = PROBLEMS[type(error)]
    answer = _answer(status, title, str(error), problem_type(type(error)))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
    return answer


def _http_problem(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    # RFC 9110 renamed 413 and 422; the enum's phrase is the new name on every Python.
    known = _DETAILS.get(status)
    # Only the service's own texts are filled in: a description may hold a client's braces.
    detail = (
        (error.description or status.description)
        if known is None
        else known.format(
            path=request.path,
            method=request.method,
            allowed=", ".join(sorted(getattr(error, "valid_methods", None) or ())),
            limit=(request.max_content_length or 0) / 1e6,
            parts=request.max_form_parts,
        )
    )
    answer = _answer(status, error.name, detail, PLAIN_TYPE)
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            answer.headers[name] = value
    if isinstance(error, RequestEntityTooLarge):
        _drain(request.environ["wsgi.input"])
    if isinstance(error, (RequestEntityTooLarge, BrokenBody)):
        answer.headers["Connection"] = "close"
    return answer


def _drain(body: IO[bytes]) -> None:
    """Read what is left of a refused body: most clients send all of it before they listen."""
    with suppress(BrokenBody):
        for _ in range(MAX_DRAINED_BYTES // _CHUNK_BYTES):
            if not body.read(_CHUNK_BYTES):
                return


def _unexpected_problem(error: Exception) -> Response:
    problem = report_unexpected(error, request.environ)
    return _answer(
        HTTPStatus.INTERNAL_SERVER_ERROR, problem["title"], problem["detail"], PLAIN_TYPE
    )


def report_unexpected(error: Exception, environ: dict[str, Any]) -> dict[str, Any]:
    """Log an unexpected error and return its problem; mark the request if memory ran out."""
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
    detail = f"The service failed on this request. Report it with the request id {request_id}."
    return _problem(status, status.phrase, detail, PLAIN_TYPE) | {"request_id": request_id}


def _answer(status: HTTPStatus, title: str, detail: str, kind: str) -> Response:
    request.environ[PROBLEM_TYPE] = kind
    if prefers_page():
        return make_response(render_template("index.html", error=detail), status)
    if _speaks_v2():
        # The Open Inference Protocol has a form of its own.
        return make_response(jsonify(error=detail), status)
    problem = _problem(status, title, detail, kind)
    problem["request_id"] = request.environ[REQUEST_ID]
    return Response(json.dumps(problem) + "\n", status, mimetype="application/problem+json")


def _problem(status: HTTPStatus, title: str, detail: str, kind: str) -> dict[str, Any]:
    return {
        "type": kind,
        "title": title,
        "status": int(status),
        "detail": detail,
        "success": False,
    }


def _speaks_v2() -> bool:
    return f"{request.path}/".startswith("/v2/")


def prefers_page() -> bool:
    """Whether a person in a browser asks: the page's own form, or an address typed in."""
    if (request.method == "POST" and request.path != "/") or _speaks_v2():
        return False
    offered = ["application/problem+json", "text/html"]
    return request.accept_mimetypes.best_match(offered) == "text/html"
