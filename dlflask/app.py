"""Settings and a classifier in, the Flask application out."""

from __future__ import annotations

import re
import uuid

from flask import Flask, Response, g, request

from dlflask import __version__
from dlflask.config import ROOT, Config
from dlflask.form import FormRequest
from dlflask.problems import register_problems
from dlflask.reading import ReadsDigits
from dlflask.routes import CLASSIFIER, CONFIG, blueprint
from dlflask.wording import mark, named, percent, sentence

#: A multipart form adds its boundary and headers to the picture's bytes; browsers stay under 1 kB.
FORM_OVERHEAD_BYTES = 64 * 1024

#: A form with more parts than this is no upload of a picture.
MAX_FORM_PARTS = 20

#: A client's or proxy's request id is passed on when it is one; anything else is replaced.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def create_app(config: Config, classifier: ReadsDigits) -> Flask:
    """Join the views, the problems and the headers around `classifier`."""
    app = Flask(
        "dlflask",
        root_path=str(ROOT),
        template_folder="templates",
        static_folder="static",
    )
    app.request_class = FormRequest
    app.config["MAX_CONTENT_LENGTH"] = config.max_upload_bytes + FORM_OVERHEAD_BYTES
    app.config["MAX_FORM_PARTS"] = MAX_FORM_PARTS
    app.extensions[CLASSIFIER] = classifier
    app.extensions[CONFIG] = config
    app.register_blueprint(blueprint)
    app.before_request(_take_request_id)
    app.after_request(_add_headers)
    register_problems(app)
    app.jinja_env.globals.update(
        mark=mark,
        named=named,
        percent=percent,
        sentence=sentence,
        model_sha256=classifier.sha256,
        version=__version__,
    )
    return app


def _take_request_id() -> None:
    came = request.headers.get("X-Request-ID", "")
    g.request_id = came if _REQUEST_ID.fullmatch(came) else uuid.uuid4().hex


def _add_headers(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response
