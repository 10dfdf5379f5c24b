"""The views: an HTTP request in, a page or a JSON answer out."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, current_app, json, jsonify, render_template, request

from dlflask import __version__
from dlflask.batch import check_deadline, read_digits, set_deadline
from dlflask.errors import DlflaskError, MissingUpload, OutOfTime
from dlflask.exposition import CONTENT_TYPE, expose
from dlflask.problems import to_problem
from dlflask.reading import Reading
from dlflask.service import current_service
from dlflask.upload import MAX_DETAILED, MAX_UPLOADS, read_upload, read_uploads

#: The pictures in static/samples, one of each digit.
SAMPLES = tuple("0123456789")

_COMPACT = (",", ":")

blueprint = Blueprint("digits", __name__)


@blueprint.get("/")
def page() -> str:
    """The page with its upload form."""
    return render_template("index.html")


@blueprint.post("/")
def page_with_answer() -> str:
    """The page's form, sent by a browser without JavaScript: a picture, or a sample's button."""
    sample = request.form.get("sample")
    reading = _read() if sample is None else _read_sample(sample)
    return render_template("index.html", prediction=reading.prediction, tensor=reading.tensor)


@blueprint.post("/predictlabel")
def predict_label() -> Response:
    """The ten probabilities of the picture that was sent; with `?details=1`, their details."""
    return _answer(_to_json(_read(), detailed=_wants_details()))


@blueprint.post("/predictlabels")
def predict_labels() -> Response:
    """The same of each of several pictures, or what is wrong with it, in the order sent."""
    service, detailed = current_service(), _wants_details()
    uploads = read_uploads(
        request, service.config.max_upload_bytes, MAX_DETAILED if detailed else MAX_UPLOADS
    )
    service.check_worth(request.environ)
    deadline = set_deadline()
    readings = read_digits(uploads, service.classifier, deadline)
    for one in readings:
        if isinstance(one, Reading):
            service.count(one)
    results = ",".join(
        _to_detailed_json(one, deadline) if detailed else _to_json(one, detailed=False)
        for one in readings
    )
    return _answer(f'{{"results":[{results}],"success":true}}')


@blueprint.get("/livez")
def live() -> Response:
    """The process answers."""
    return jsonify(status="live")


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """The model is loaded, compiled and self-tested, and the worker is not about to stop."""
    state = current_service().readiness.state
    return jsonify(status=state), 200 if state == "ready" else 503


@blueprint.get("/metrics")
def metrics() -> Response:
    """What all workers have counted; NGINX does not let it out."""
    service = current_service()
    text = expose(service.metrics, service.classifier.sha256, __version__)
    return Response(text, content_type=CONTENT_TYPE)


def _read() -> Reading:
    service = current_service()
    upload = read_upload(request, service.config.max_upload_bytes)
    return service.read(upload, request.environ)


def _read_sample(name: str) -> Reading:
    if name not in SAMPLES:
        raise MissingUpload(f"There is no sample {name[:20]!r}. Choose one of the digits 0 to 9.")
    sample = Path(current_app.root_path, "static", "samples", f"{name}.png")
    return current_service().read(sample.read_bytes(), request.environ)


def _wants_details() -> bool:
    return request.args.get("details") == "1"


def _to_json(outcome: Reading | DlflaskError, *, detailed: bool) -> str:
    if isinstance(outcome, DlflaskError):
        return json.dumps(to_problem(outcome), separators=_COMPACT)
    if not detailed:
        return outcome.prediction.to_json()
    details = outcome.details(current_service().classifier)
    return json.dumps(outcome.prediction.to_wire() | {"details": details}, separators=_COMPACT)


def _to_detailed_json(outcome: Reading | DlflaskError, deadline: float) -> str:
    """Return one result of several, with details as long as there is time and a client for them."""
    current_service().admission.check_connection(request.environ)
    try:
        if isinstance(outcome, Reading):
            check_deadline(deadline)
    except OutOfTime as fault:
        outcome = fault
    return _to_json(outcome, detailed=True)


def _answer(text: str) -> Response:
    return Response(f"{text}\n", mimetype="application/json")
