"""Exceptions raised by the error handlers become problems with a request id."""

import json
import logging

import pytest
from jinja2 import DictLoader
from werkzeug.test import EnvironBuilder

from dlflask.server.logging import JsonFormatter
from dlflask.web.middleware.environ import PROBLEM_TYPE, REQUEST_ID
from dlflask.web.middleware.last_resort import catch_unexpected
from dlflask.web.problems import PLAIN_TYPE


def respond(application, environ):
    """Return status, headers and body of a response; check the rules of WSGI."""
    started = []

    def start_response(status, headers, exc_info=None):
        assert not started or exc_info, "a response is started again only for an error"
        started.append((status, dict(headers)))

    response = application(environ, start_response)
    body = b"".join(response)
    if hasattr(response, "close"):
        response.close()
    return *started[-1], body


@pytest.mark.parametrize("error", [ZeroDivisionError("inside"), MemoryError(), KeyError("inside")])
@pytest.mark.parametrize("is_started", [False, True])
def test_catch_unexpected_returns_problem_for_any_exception(caplog, error, is_started):
    def application(_, start_response):
        if is_started:
            start_response("200 OK", [("Content-Type", "text/plain")])
        raise error

    environ = EnvironBuilder().get_environ() | {REQUEST_ID: "0123456789abcdef"}
    with caplog.at_level(logging.ERROR):
        status, headers, body = respond(catch_unexpected(application), environ)

    problem = json.loads(body)
    assert status == "500 Internal Server Error"
    assert headers == {
        "Content-Type": "application/problem+json",
        "Content-Length": str(len(body)),
    }
    assert (problem["status"], problem["request_id"]) == (500, "0123456789abcdef")
    assert "inside" not in problem["detail"]
    assert environ[PROBLEM_TYPE] == PLAIN_TYPE
    (record,) = caplog.records
    line = json.loads(JsonFormatter().format(record))
    assert line["request_id"] == "0123456789abcdef"
    assert type(error).__name__ in line["exception"]


def test_page_that_cannot_be_rendered_returns_problem(app, client, caplog):
    app.jinja_env.loader = DictLoader({"index.html": "{{ nothing.at.all }}"})
    environ = EnvironBuilder("/", headers={"Accept": "text/html"}).get_environ()

    with caplog.at_level(logging.ERROR):
        status, headers, body = respond(app.wsgi_app, environ)

    assert status == "500 Internal Server Error"
    assert headers["Content-Type"] == "application/problem+json"
    assert json.loads(body)["request_id"] == headers["X-Request-ID"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Request-ID"] in caplog.records[-1].message
    metrics = client.get("/metrics").text
    assert "dlflask_requests_in_flight 1.0" in metrics, "the scrape itself"
    assert 'dlflask_problems_total{type="about:blank"} 1.0' in metrics
