"""Settings and a classifier in, the Flask application out."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from flask import Flask, Response, current_app, g, request
from werkzeug.wsgi import get_host

from dlflask import __version__, reference, v2
from dlflask.body import guard_body
from dlflask.config import ROOT, Config
from dlflask.form import FormRequest
from dlflask.metrics import NOWHERE, Metrics
from dlflask.preprocess import PREPROCESSING
from dlflask.problems import register_problems
from dlflask.readiness import Readiness
from dlflask.reading import ReadsDigits
from dlflask.routes import blueprint
from dlflask.service import CLASSIFIER, CONFIG, METRICS, READINESS
from dlflask.wording import mark, named, percent, sentence

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: A multipart form adds its boundary and headers to the picture's bytes; browsers stay under 1 kB.
FORM_OVERHEAD_BYTES = 64 * 1024

#: A form with more parts than this is no upload of a picture.
MAX_FORM_PARTS = 20

#: Enough of the model's SHA-256 to tell files apart; the details of an answer have all of it.
SHORT_SHA256 = 12

#: A client's or proxy's request id is passed on when it is one; anything else is replaced.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

#: Asked by machines, by IP address, whatever names the service has.
_FOR_MACHINES = ("/livez", "/readyz", "/metrics")

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def create_app(config: Config, classifier: ReadsDigits, metrics: Metrics | None = None) -> Flask:
    """Join the views, the problems, the headers and the counting around `classifier`.

    Args:
        config: The settings.
        classifier: What reads the digits.
        metrics: Where to count; by default in counts of its own.
    """
    app = Flask(
        "dlflask",
        root_path=str(ROOT),
        template_folder="templates",
        static_folder="static",
    )
    app.request_class = FormRequest
    app.config["MAX_CONTENT_LENGTH"] = config.max_upload_bytes + FORM_OVERHEAD_BYTES
    app.config["MAX_FORM_PARTS"] = MAX_FORM_PARTS
    metrics = metrics or Metrics()
    app.extensions[CLASSIFIER] = classifier
    app.extensions[CONFIG] = config
    app.extensions[METRICS] = metrics
    samples = (ROOT / "static" / "samples").glob("*.png")
    app.extensions[READINESS] = Readiness(classifier, sorted(samples))
    app.register_blueprint(blueprint)
    app.register_blueprint(v2.blueprint)
    app.register_blueprint(reference.blueprint)
    app.before_request(_begin)
    if config.allowed_hosts:
        app.before_request(_check_host)
    # They run in reverse order.
    app.after_request(partial(_count, metrics))
    names = {"X-Model-SHA256": classifier.sha256[:SHORT_SHA256], "X-Preprocessing": PREPROCESSING}
    app.after_request(partial(_add_headers, _HEADERS | names))
    app.wsgi_app = _in_flight(app.wsgi_app, metrics)  # type: ignore[assignment,method-assign]
    register_problems(app)
    app.wsgi_app = guard_body(app.wsgi_app)  # type: ignore[assignment, method-assign]
    app.jinja_env.globals.update(
        mark=mark,
        named=named,
        percent=percent,
        sentence=sentence,
        model_sha256=classifier.sha256,
        version=__version__,
    )
    return app


def _in_flight(application: WSGIApplication, metrics: Metrics) -> WSGIApplication:
    def counted(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        metrics.enter()
        try:
            return application(environ, start_response)
        finally:
            metrics.leave()

    return counted


def _begin() -> None:
    g.started = time.perf_counter()
    came = request.headers.get("X-Request-ID", "")
    g.request_id = came if _REQUEST_ID.fullmatch(came) else uuid.uuid4().hex


def _check_host() -> None:
    if request.path not in _FOR_MACHINES:
        get_host(request.environ, current_app.extensions[CONFIG].allowed_hosts)


def _count(metrics: Metrics, response: Response) -> Response:
    # Looked up once each: Flask's proxies take longer than the counting.
    rule, noted = request.url_rule, vars(g)
    metrics.count_request(
        rule.rule if rule else NOWHERE,
        response.status_code,
        noted.get("problem_type"),
        time.perf_counter() - noted["started"],
    )
    return response


def _add_headers(headers: dict[str, str], response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    response.headers.extend(headers)
    return response
