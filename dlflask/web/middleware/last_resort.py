"""Middleware that turns exceptions raised by the error handlers themselves into responses.

The response is a problem document, the JSON of an error (RFC 9457). Without this middleware,
Gunicorn would send its own error page, without the request id and the constant headers.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from dlflask.problem_types import PLAIN_TYPE
from dlflask.web.middleware.environ import PROBLEM_TYPE
from dlflask.web.problems import report_unexpected

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_STATUS = HTTPStatus.INTERNAL_SERVER_ERROR


def catch_unexpected(application: WSGIApplication) -> WSGIApplication:
    """Wrap `application` so that its exceptions are logged and become responses with status 500."""

    def caught(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return application(environ, start_response)
        except Exception as error:  # noqa: BLE001  the caller cannot send a response
            environ[PROBLEM_TYPE] = PLAIN_TYPE
            problem = report_unexpected(error, environ)
            body = (json.dumps(problem, sort_keys=True) + "\n").encode()
            headers = [
                ("Content-Type", "application/problem+json"),
                ("Content-Length", str(len(body))),
            ]
            start_response(f"{_STATUS} {_STATUS.phrase}", headers, sys.exc_info())
            return [body]

    return caught
