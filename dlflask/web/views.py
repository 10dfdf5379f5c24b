"""Views of the page, of the APIs for digits and numbers, and of health and metrics.

A problem is the JSON of an error (RFC 9457).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, json, jsonify, render_template, request
from werkzeug.exceptions import NotFound

from dlflask import __version__
from dlflask.deadline import check_deadline, compute_deadline
from dlflask.digits.model_info import NAME as DIGIT
from dlflask.errors import DlflaskError, MissingUpload, OutOfTime
from dlflask.metrics.prometheus import CONTENT_TYPE, render
from dlflask.numbers.decoding.lengths import parse_lengths
from dlflask.numbers.recogniser import NAME as NUMBER
from dlflask.numbers.recogniser import NumberRecogniser
from dlflask.recogniser import Recogniser
from dlflask.web.middleware.environ import MODEL
from dlflask.web.presentation import View
from dlflask.web.problems import to_problem
from dlflask.web.state import current_state
from dlflask.web.uploads.limits import MAX_DETAILED, MAX_UPLOADS
from dlflask.web.uploads.read_upload import read_upload, read_uploads

#: Names of the images in static/samples: one image of each digit, and three images of numbers.
SAMPLES = (*"0123456789", "numbers/90210", "numbers/2026", "numbers/3.75")

#: Values of a query parameter that mean yes, in lower case. Libraries write `true` or `True`.
_YES = ("1", "true", "yes", "on")

#: Separators of JSON without spaces.
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
    upload = _read_upload() if sample is None else _load_sample(sample)
    state = current_state()
    digit = state.read(_digit_recogniser(), upload, request.environ)
    number_recogniser = state.recognisers.get(NUMBER)
    number = state.read(number_recogniser, upload, request.environ) if number_recogniser else None
    return render_template("index.html", view=View(digit, number))


@blueprint.post("/predictlabel")
def predict_label() -> Response:
    """Return the ten probabilities of one image. With `?details=1`, add the key `details`."""
    result = current_state().read(_digit_recogniser(), _read_upload(), request.environ)
    return _json_response(_digit_recogniser().encode(result, details=_wants_details()))


@blueprint.post("/predictlabels")
def predict_labels() -> Response:
    """Return the result or the problem of each image, in the order of the request."""
    return _read_several(_digit_recogniser())


@blueprint.post("/predictnumber")
def predict_number() -> Response:
    """Return the number in one image. With `?details=1`, add the key `details`."""
    recogniser = _number_recogniser()
    result = current_state().read(recogniser, _read_upload(), request.environ)
    return _json_response(recogniser.encode(result, details=_wants_details()))


@blueprint.post("/predictnumbers")
def predict_numbers() -> Response:
    """Return the number or the problem of each image, in the order of the request."""
    return _read_several(_number_recogniser())


@blueprint.get("/livez")
def live() -> Response:
    """Return 200, which shows that the process responds."""
    return jsonify(status="live")


@blueprint.get("/readyz")
def ready() -> tuple[Response, int]:
    """Return 200 if every model has passed its self-test and the worker is not draining."""
    status = current_state().health.state
    return jsonify(status=status), 200 if status == "ready" else 503


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return the metrics of all workers. NGINX does not forward requests for this address."""
    return Response(render(current_state().metrics, __version__), content_type=CONTENT_TYPE)


def _digit_recogniser() -> Recogniser[Any]:
    return current_state().recognisers[DIGIT]


def _number_recogniser() -> Recogniser[Any]:
    """Return the recogniser for numbers. The query may give the length of the numbers.

    Raises:
        NotFound: The service reads single digits only, because the number model is absent.
        InvalidLength: The length is not valid.
    """
    recogniser = current_state().recognisers.get(NUMBER)
    if not isinstance(recogniser, NumberRecogniser):
        raise NotFound(
            f"The service started without {current_state().config.number_model_path.name}, so it "
            "reads single digits only. Restore the file and restart the service, or send the image "
            "to POST /predictlabel."
        )
    request.environ[MODEL] = NUMBER
    length = request.args.get("length")
    return recogniser.expecting(None if length is None else parse_lengths(length))


def _read_several(recogniser: Recogniser[Any]) -> Response:
    state, details = current_state(), _wants_details()
    max_images = MAX_DETAILED if details else MAX_UPLOADS
    uploads = read_uploads(request, state.config.max_upload_bytes, max_images)
    deadline = compute_deadline()
    results = state.read_many(recogniser, uploads, request.environ, deadline)
    encode = _encode_details if details else _encode
    encoded = ",".join(encode(recogniser, result, deadline) for result in results)
    return _json_response(f'{{"results":[{encoded}],"success":true}}')


def _read_upload() -> bytes:
    return read_upload(request, current_state().config.max_upload_bytes)


def _load_sample(name: str) -> bytes:
    if name not in SAMPLES:
        raise MissingUpload(
            f"The sample {name[:20]!r} does not exist. Choose one of: {', '.join(SAMPLES)}."
        )
    return Path(current_app.root_path, "static", "samples", f"{name}.png").read_bytes()


def _wants_details() -> bool:
    return request.args.get("details", "").lower() in _YES


def _encode(recogniser: Recogniser[Any], result: Any, _deadline: float) -> str:
    if isinstance(result, DlflaskError):
        return json.dumps(to_problem(result), separators=_COMPACT)
    return recogniser.encode(result, details=False)


def _encode_details(recogniser: Recogniser[Any], result: Any, deadline: float) -> str:
    """Return one of several results with its details, as JSON.

    If `deadline` has passed, return the JSON of an error instead.

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
