"""Views of the page, the digit API, health and metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, json, jsonify, render_template, request

from dlflask import __version__
from dlflask.deadline import check_deadline, set_deadline
from dlflask.digits.recogniser import NAME, DigitResult
from dlflask.errors import DlflaskError, MissingUpload, OutOfTime
from dlflask.metrics.prometheus import CONTENT_TYPE, render
from dlflask.recogniser import Recogniser
from dlflask.web.problems import to_problem
from dlflask.web.state import current_state
from dlflask.web.uploads.limits import MAX_DETAILED, MAX_UPLOADS
from dlflask.web.uploads.read_upload import read_upload, read_uploads

#: Images in static/samples, one of each digit.
SAMPLES = tuple("0123456789")

#: Values of a query parameter that mean yes. Libraries write a boolean as `true` or `True`.
_YES = ("1", "true", "yes", "on")

_COMPACT = (",", ":")

blueprint = Blueprint("digits", __name__)


@blueprint.get("/")
def page() -> str:
    """Return the page with its upload form."""
    return render_template("index.html")


@blueprint.post("/")
def page_with_result() -> str:
    """Return the page with the result of an image or sample, for browsers without JavaScript."""
    sample = request.form.get("sample")
    upload = _uploaded() if sample is None else _sample(sample)
    result: DigitResult = current_state().read(_digits(), upload, request.environ)
    return render_template("index.html", prediction=result.prediction, tensor=result.tensor)


@blueprint.post("/predictlabel")
def predict_label() -> Response:
    """Return the ten probabilities of one image, with `?details=1` also its details."""
    result = current_state().read(_digits(), _uploaded(), request.environ)
    return _json_response(_digits().encode(result, details=_wants_details()))


@blueprint.post("/predictlabels")
def predict_labels() -> Response:
    """Return the result or the problem of each of several images, in the order sent."""
    state, details = current_state(), _wants_details()
    max_images = MAX_DETAILED if details else MAX_UPLOADS
    uploads = read_uploads(request, state.config.max_upload_bytes, max_images)
    deadline = set_deadline()
    results = state.read_many(_digits(), uploads, request.environ, deadline)
    encode = _encode_details if details else _encode
    encoded = ",".join(encode(_digits(), result, deadline) for result in results)
    return _json_response(f'{{"results":[{encoded}],"success":true}}')


@blueprint.get("/livez")
def live() -> Response:
    """Return 200 while the process responds."""
    return jsonify(status="live")


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """Return 200 if every model is tested and the worker is not about to stop."""
    status = current_state().health.state
    return jsonify(status=status), 200 if status == "ready" else 503


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return the metrics of all workers. NGINX does not forward this address."""
    return Response(render(current_state().metrics, __version__), content_type=CONTENT_TYPE)


def _digits() -> Recogniser[Any]:
    return current_state().recognisers[NAME]


def _uploaded() -> bytes:
    return read_upload(request, current_state().config.max_upload_bytes)


def _sample(name: str) -> bytes:
    if name not in SAMPLES:
        raise MissingUpload(
            f"The sample {name[:20]!r} does not exist. Choose one of the digits 0 to 9."
        )
    return Path(current_app.root_path, "static", "samples", f"{name}.png").read_bytes()


def _wants_details() -> bool:
    return request.args.get("details", "").lower() in _YES


def _encode(recogniser: Recogniser[Any], result: Any, _deadline: float) -> str:
    if isinstance(result, DlflaskError):
        return json.dumps(to_problem(result), separators=_COMPACT)
    return recogniser.encode(result, details=False)


def _encode_details(recogniser: Recogniser[Any], result: Any, deadline: float) -> str:
    """Return one result of several, with details; an error if the time limit has passed.

    Raises:
        Abandoned: The client has disconnected.
    """
    current_state().load_shedder.check_connection(request.environ)
    try:
        check_deadline(deadline)
    except OutOfTime as error:
        result = result if isinstance(result, DlflaskError) else error
    if isinstance(result, DlflaskError):
        return _encode(recogniser, result, deadline)
    return recogniser.encode(result, details=True)


def _json_response(text: str) -> Response:
    return Response(f"{text}\n", mimetype="application/json")
