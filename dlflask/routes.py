"""The views: an HTTP request in, a page or a JSON answer out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template, request

from dlflask.batch import read_digits
from dlflask.errors import DlflaskError, MissingUpload
from dlflask.problems import to_problem
from dlflask.reading import Reading, ReadsDigits, read_digit
from dlflask.upload import read_upload, read_uploads

#: Where create_app leaves the classifier and the settings in `app.extensions`.
CLASSIFIER, CONFIG = "dlflask.classifier", "dlflask.config"

#: The pictures in static/samples, one of each digit.
SAMPLES = tuple("0123456789")

blueprint = Blueprint("digits", __name__)


@blueprint.get("/")
def page() -> str:
    """The page with its upload form."""
    return render_template("index.html")


@blueprint.post("/")
def page_with_answer() -> str:
    """The page's form, sent by a browser without JavaScript: a picture, or a sample's button."""
    sample = request.form.get("sample")
    reading = _read() if sample is None else read_digit(_sample(sample), _classifier())
    return render_template("index.html", prediction=reading.prediction, tensor=reading.tensor)


@blueprint.post("/predictlabel")
def predict_label() -> Response:
    """The ten probabilities of the picture that was sent; with `?details=1`, their details."""
    return jsonify(_answer(_read()))


@blueprint.post("/predictlabels")
def predict_labels() -> Response:
    """The same of each of several pictures, or what is wrong with it, in the order sent."""
    uploads = read_uploads(request, current_app.extensions[CONFIG].max_upload_bytes)
    results = [
        to_problem(one) if isinstance(one, DlflaskError) else _answer(one)
        for one in read_digits(uploads, _classifier())
    ]
    return jsonify(results=results, success=True)


@blueprint.get("/livez")
def live() -> Response:
    """The process answers."""
    return jsonify(status="live")


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """The model is loaded, compiled and self-tested."""
    if _classifier().is_ready:
        return jsonify(status="ready"), 200
    return jsonify(status="starting"), 503


def _read() -> Reading:
    upload = read_upload(request, current_app.extensions[CONFIG].max_upload_bytes)
    return read_digit(upload, _classifier())


def _answer(reading: Reading) -> dict[str, Any]:
    answer = reading.prediction.to_wire()
    if request.args.get("details") == "1":
        answer["details"] = reading.details(_classifier())
    return answer


def _sample(name: str) -> bytes:
    if name not in SAMPLES:
        raise MissingUpload(f"There is no sample {name[:20]!r}. Choose one of the digits 0 to 9.")
    return Path(current_app.root_path, "static", "samples", f"{name}.png").read_bytes()


def _classifier() -> ReadsDigits:
    classifier: ReadsDigits = current_app.extensions[CLASSIFIER]
    return classifier
