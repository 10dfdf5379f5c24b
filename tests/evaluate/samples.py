"""Shared by the tests of the evaluation: a classifier without Keras, cases, a server."""

import threading
from contextlib import contextmanager

import numpy as np
from PIL import Image
from werkzeug.serving import make_server

from dlflask.client import Outcome
from dlflask.digits.normalization import read_tensor
from dlflask.digits.prediction import Prediction
from dlflask.digits.thresholds import DEFAULT_THRESHOLDS
from dlflask.evaluate.dataset import LabelledImage, find_digits
from dlflask.evaluate.outcomes import Case, ask, read_by_model
from tests.conftest import DESCRIPTION, encode
from tests.drawing import STROKES, draw_digit

BLANK = encode(Image.new("RGB", (60, 60), "white"))


class Nearest:
    """Predicts the drawn digit nearest to a tensor; a distant tensor is probably not a digit."""

    is_ready = True
    sha256 = "0" * 64
    description = DESCRIPTION
    thresholds = DEFAULT_THRESHOLDS
    runtime = "distances"

    def __init__(self):
        uploads = [encode(draw_digit(label)) for label in STROKES]
        self.known = np.stack([read_tensor(upload) for upload in uploads])

    def explain(self, tensor, _):
        return tensor

    def predict(self, tensor):
        distance = np.abs(self.known - tensor).sum(axis=(1, 2))
        weights = np.exp((distance.min() - np.append(distance, 90)) / 5)
        return Prediction((weights / weights.sum()).astype(np.float32))

    def predict_many(self, tensors):
        return [self.predict(tensor) for tensor in tensors]


def evaluate_folder(path, classifier):
    return ask(read_by_model(classifier), find_digits(path).images)


def make_case(label, predicted, confidence, verdict="digit"):
    probabilities = np.full(10, (1 - confidence) / 9, np.float32)
    probabilities[predicted] = confidence
    outcome = Outcome(verdict, str(predicted), confidence, probabilities)
    return Case(LabelledImage("p", "s", None if label is None else str(label), bytes), outcome)


@contextmanager
def serving(application):
    server = make_server("127.0.0.1", 0, application)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
