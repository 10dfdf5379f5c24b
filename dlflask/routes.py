"""The views: an HTTP request in, a page or a JSON answer out."""

from __future__ import annotations

from typing import Protocol

from flask import Blueprint, Response, current_app, jsonify, render_template, request

from dlflask.image import decode_image
from dlflask.prediction import Prediction
from dlflask.preprocess import Tensor, to_mnist
from dlflask.upload import read_upload

#: Where create_app leaves the classifier and the settings in `app.extensions`.
CLASSIFIER, CONFIG = "dlflask.classifier", "dlflask.config"

blueprint = Blueprint("digits", __name__)


class PredictsDigits(Protocol):
    """What the views need of a classifier."""

    @property
    def is_ready(self) -> bool:
        """Whether predictions can be made now."""

    def predict(self, tensor: Tensor) -> Prediction:
        """Classify one (28, 28) float32 tensor."""


@blueprint.get("/")
def page() -> str:
    """The page with its upload form."""
    return render_template("index.html")


@blueprint.post("/")
def page_with_answer() -> str:
    """The page's form, sent by a browser without JavaScript."""
    return render_template("index.html", prediction=_predict())


@blueprint.post("/predictlabel")
def predict_label() -> Response:
    """The ten probabilities of the picture that was sent."""
    return jsonify(_predict().to_wire())


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


def _predict() -> Prediction:
    """The one line of data."""
    upload = read_upload(request, current_app.extensions[CONFIG].max_upload_bytes)
    ink = decode_image(upload)
    tensor = to_mnist(ink)
    return _classifier().predict(tensor)


def _classifier() -> PredictsDigits:
    classifier: PredictsDigits = current_app.extensions[CLASSIFIER]
    return classifier
