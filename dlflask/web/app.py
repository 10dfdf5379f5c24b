"""Settings and a classifier in, the Flask application out."""

from __future__ import annotations

from flask import Flask, request

from dlflask import __version__
from dlflask.config import ROOT, Config
from dlflask.digits.normalization import PREPROCESSING
from dlflask.digits.reading import ReadsDigits
from dlflask.metrics.slots import Metrics
from dlflask.web import reference
from dlflask.web.body import guard_body
from dlflask.web.envelope import envelop
from dlflask.web.environ import FAULT, ROUTE
from dlflask.web.fast_path import shorten
from dlflask.web.health import Readiness
from dlflask.web.hosts import check_hosts
from dlflask.web.inference_protocol import views as inference_protocol
from dlflask.web.last_resort import catch_unexpected
from dlflask.web.load_shedding import Admission
from dlflask.web.multipart_form import FormRequest
from dlflask.web.presentation import mark, named, percent, sentence
from dlflask.web.problems import register_problems
from dlflask.web.state import Service, attach
from dlflask.web.views import blueprint

#: A multipart form adds its boundary and headers to the picture's bytes; browsers stay under 1 kB.
FORM_OVERHEAD_BYTES = 64 * 1024

#: A form with more parts than this is no upload of a picture.
MAX_FORM_PARTS = 20

#: Enough of the model's SHA-256 to tell files apart; the details of an answer have all of it.
SHORT_SHA256 = 12

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
    samples = (ROOT / "static" / "samples").glob("*.png")
    readiness = Readiness(classifier, sorted(samples))
    service = Service(config, classifier, metrics, readiness, Admission())
    attach(service, app)
    app.register_blueprint(blueprint)
    app.register_blueprint(inference_protocol.blueprint)
    app.register_blueprint(reference.blueprint)
    app.before_request(_note_route)
    app.before_request(_raise_fault)
    register_problems(app)
    names = {"X-Model-SHA256": classifier.sha256[:SHORT_SHA256], "X-Preprocessing": PREPROCESSING}
    # Whoever has wrapped Flask, to trace it, wants to see every request.
    is_wrapped = "wsgi_app" in vars(app)
    application = app.wsgi_app if is_wrapped else shorten(app.wsgi_app, service)
    checked = check_hosts(application, app.wsgi_app, config.allowed_hosts)
    enveloped = envelop(catch_unexpected(checked), metrics, _HEADERS | names)
    app.wsgi_app = guard_body(enveloped)  # type: ignore[assignment, method-assign]
    app.jinja_env.globals.update(
        mark=mark,
        named=named,
        percent=percent,
        sentence=sentence,
        model_sha256=classifier.sha256,
        version=__version__,
    )
    return app


def _note_route() -> None:
    if request.url_rule:
        request.environ[ROUTE] = request.url_rule.rule


def _raise_fault() -> None:
    if FAULT in request.environ:
        raise request.environ[FAULT]
