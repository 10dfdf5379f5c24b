"""Create the Flask application with its views, error handlers and middleware."""

from __future__ import annotations

from typing import Any

from flask import Flask, request

from dlflask import __version__
from dlflask.config import ROOT, Config
from dlflask.digits.model_info import NAME as DIGIT
from dlflask.metrics.slots import Metrics
from dlflask.recogniser import ModelInfo, Recogniser
from dlflask.web.compression import compress
from dlflask.web.form_request import FormRequest
from dlflask.web.health import Health
from dlflask.web.inference_protocol import views as inference_protocol
from dlflask.web.load_shedding import LoadShedder
from dlflask.web.middleware.allowed_hosts import check_hosts
from dlflask.web.middleware.allowed_origins import allow_origins
from dlflask.web.middleware.content_encoding import decode_bodies
from dlflask.web.middleware.environ import ERROR, ROUTE
from dlflask.web.middleware.fast_path import with_fast_path
from dlflask.web.middleware.instrumentation import instrument
from dlflask.web.middleware.last_resort import catch_unexpected
from dlflask.web.middleware.request_body import report_body_errors
from dlflask.web.middleware.trusted_proxies import trust_proxies
from dlflask.web.openapi import views as openapi_views
from dlflask.web.presentation import percent
from dlflask.web.problems import register_problems
from dlflask.web.state import State, attach
from dlflask.web.views import SAMPLES, blueprint

#: A request may exceed the limit for an image by this number of bytes. A multipart form also has a
#: boundary and headers, which take less than 1 kB in browsers. The rest is for other fields.
FORM_OVERHEAD_BYTES = 64 * 1024

#: Maximum number of parts of a form. /predictlabels and /predictnumbers read several images from a
#: form, so they allow more parts (`read_uploads`).
MAX_FORM_PARTS = 20

#: Number of hexadecimal digits of the model's SHA-256 in X-Model-SHA256. Twelve digits suffice to
#: distinguish model files.
SHORT_SHA256 = 12

#: Headers of every response. `_headers` adds the headers of the model.
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


def create_app(
    config: Config, *recognisers: Recogniser[Any], metrics: Metrics | None = None
) -> Flask:
    """Create the Flask application with its views, error handlers and middleware.

    Args:
        config: The settings.
        recognisers: The recognisers to serve. The digit recogniser must be the first, because the
            first recogniser is the default model.
        metrics: Counters of requests and results. The default counters count this process only.
    """
    app = Flask("dlflask", root_path=str(ROOT))
    app.request_class = FormRequest
    app.config["MAX_CONTENT_LENGTH"] = config.max_upload_bytes + FORM_OVERHEAD_BYTES
    app.config["MAX_FORM_PARTS"] = MAX_FORM_PARTS
    by_name = {recogniser.info.name: recogniser for recogniser in recognisers}
    state = State(config, by_name, metrics or Metrics(), Health(recognisers), LoadShedder())
    attach(state, app)
    app.register_blueprint(blueprint)
    app.register_blueprint(inference_protocol.blueprint)
    app.register_blueprint(openapi_views.blueprint)
    app.context_processor(_addresses)
    app.before_request(_store_route)
    app.before_request(_raise_stored_error)
    app.after_request(compress)
    register_problems(app)
    state.metrics.register_routes(rule.rule for rule in app.url_map.iter_rules())
    for recogniser in recognisers:
        state.metrics.register_model(recogniser.info)
    headers = {recogniser.info.name: _headers(recogniser.info) for recogniser in recognisers}
    # If a tracer has replaced `wsgi_app`, it must receive every request. In this case, do not use
    # the fast path, because it would bypass the tracer.
    is_traced = "wsgi_app" in vars(app)
    application = app.wsgi_app if is_traced else with_fast_path(app.wsgi_app, state, recognisers)
    # Each middleware wraps the previous one, so the last receives a request first.
    decoded = decode_bodies(application, app.wsgi_app, app.config["MAX_CONTENT_LENGTH"])
    checked = check_hosts(decoded, app.wsgi_app, config.allowed_hosts)
    forwarded = trust_proxies(checked, config.trusted_proxies, config.path_prefix)
    allowing = allow_origins(catch_unexpected(forwarded), config.allowed_origins)
    instrumented = instrument(allowing, state.metrics, headers)
    app.wsgi_app = report_body_errors(instrumented)  # type: ignore[assignment, method-assign]
    app.jinja_env.globals.update(
        percent=percent,
        samples=SAMPLES,
        reads_numbers=len(recognisers) > 1,
        model=by_name[DIGIT].info,
        version=__version__,
    )
    return app


def _addresses() -> dict[str, str]:
    """Return variables for the templates.

    Returns:
        `base`, the absolute address of the service, and `root`, the beginning of each link.
    """
    prefix = request.script_root
    # Use the header, because Flask's `host_url` raises an exception for some valid host names.
    host = request.environ.get("HTTP_HOST") or "localhost"
    # Without a known prefix, make links relative. Relative links also work if a proxy publishes the
    # service under a path that is not in any header or setting.
    root = f"{prefix}/" if prefix else "../" * (request.path.count("/") - 1) or "./"
    return {"base": f"{request.scheme}://{host}{prefix}", "root": root}


def _store_route() -> None:
    if request.url_rule:
        request.environ[ROUTE] = request.url_rule.rule


def _raise_stored_error() -> None:
    if ERROR in request.environ:
        raise request.environ[ERROR]


def _headers(info: ModelInfo) -> dict[str, str]:
    return _HEADERS | {
        "X-Model-SHA256": info.sha256[:SHORT_SHA256],
        "X-Preprocessing": info.preprocessing,
    }
