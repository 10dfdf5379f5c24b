"""Settings and a classifier in, the Flask application out."""

from __future__ import annotations

from flask import Flask, request
from werkzeug.exceptions import BadRequest, SecurityError
from werkzeug.wsgi import get_host

from dlflask import __version__, reference, v2
from dlflask.admission import Admission
from dlflask.body import guard_body
from dlflask.config import ROOT, Config
from dlflask.envelope import envelop
from dlflask.environ import FAULT, ROUTE
from dlflask.form import FormRequest
from dlflask.metrics import Metrics
from dlflask.preprocess import PREPROCESSING
from dlflask.problems import register_problems
from dlflask.readiness import Readiness
from dlflask.reading import ReadsDigits
from dlflask.routes import blueprint
from dlflask.service import Service, attach, current_service
from dlflask.shortcut import shorten
from dlflask.wording import mark, named, percent, sentence

#: A multipart form adds its boundary and headers to the picture's bytes; browsers stay under 1 kB.
FORM_OVERHEAD_BYTES = 64 * 1024

#: A form with more parts than this is no upload of a picture.
MAX_FORM_PARTS = 20

#: Enough of the model's SHA-256 to tell files apart; the details of an answer have all of it.
SHORT_SHA256 = 12

#: Longer host names are cut off in a problem's detail; DNS allows 253 characters.
MAX_SHOWN_HOST = 260

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
    samples = (ROOT / "static" / "samples").glob("*.png")
    readiness = Readiness(classifier, sorted(samples))
    service = Service(config, classifier, metrics, readiness, Admission())
    attach(service, app)
    app.register_blueprint(blueprint)
    app.register_blueprint(v2.blueprint)
    app.register_blueprint(reference.blueprint)
    app.before_request(_note_route)
    app.before_request(_raise_fault)
    if config.allowed_hosts:
        app.before_request(_check_host)
    register_problems(app)
    names = {"X-Model-SHA256": classifier.sha256[:SHORT_SHA256], "X-Preprocessing": PREPROCESSING}
    # Flask checks names of the host; and who has wrapped it, to trace, is to see every request.
    needs_flask = config.allowed_hosts or "wsgi_app" in vars(app)
    application = app.wsgi_app if needs_flask else shorten(app.wsgi_app, service)
    enveloped = envelop(application, metrics, _HEADERS | names)
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


def _check_host() -> None:
    if request.path in _FOR_MACHINES:
        return
    try:
        get_host(request.environ, current_service().config.allowed_hosts)
    except SecurityError:
        # Werkzeug's own text, "is not trusted", does not say why or what to do.
        name = request.environ.get("HTTP_HOST", "")[:MAX_SHOWN_HOST]
        raise BadRequest(
            f"The host name {name!r} is not one of DLFLASK_ALLOWED_HOSTS. Use the service's own "
            "name; to allow this one, add it to that setting and start the service again."
        ) from None
