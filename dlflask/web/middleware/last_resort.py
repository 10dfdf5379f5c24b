"""Middleware that turns an exception which even the error handlers let through into a problem.

Gunicorn would answer with a bare page of its own, without the request id and the constant headers.
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
    """Return `application`, whose exceptions are logged and answered with 500."""

    def caught(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return application(environ, start_response)
        except Exception as error:  # noqa: BLE001  the last place that can answer the client
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
