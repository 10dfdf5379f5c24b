"""Fixtures of all tests. This module does not import Keras."""

import io
import os
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import settings

from dlflask.config import ROOT, Config
from dlflask.digits.prediction import Prediction
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.web.app import create_app
from tests.drawing import draw_digit

pytest_plugins = ["tests.pen_strokes"]

# Keras uses TensorFlow by default, which is missing on Python 3.14.
if find_spec("tensorflow") is None:
    os.environ.setdefault("KERAS_BACKEND", "openvino")

# Hypothesis's default deadline is wall time, which a busy machine exceeds.
settings.register_profile("dlflask", deadline=None)
settings.load_profile("dlflask")

# As in dlflask/inference/openvino_runtime.py, for tests that import Keras before it.
sys.modules["openvino_telemetry"] = None


SAMPLES = sorted((ROOT / "static" / "samples").glob("*.png"))


class FakeClassifier:
    """Classifier that returns `outputs`, a 4 by default, and records its tensors."""

    def __init__(self):
        self.is_ready = True
        self.tensors = []
        self.passes = 0
        self.sha256 = "0123456789abcdef" * 4
        self.runtime = "fake 1.0 on paper"
        self.outputs = np.full(10, 0.01, np.float32)
        self.outputs[4] = 0.91

    def warm_up(self):
        self.is_ready = True

    def explain(self, tensor, _):
        return tensor

    def predict_many(self, tensors):
        self.passes += 1
        self.tensors.extend(tensors)
        return [Prediction(self.outputs) for _ in tensors]


def encode(picture, kind="PNG", **options):
    """Return the bytes of a Pillow image as a file of format `kind`."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


_FIGURES = pytest.StashKey()


def pytest_configure(config):
    config.stash[_FIGURES] = []


@pytest.fixture(scope="session")
def figures(pytestconfig):
    """Return a list of measured figures; the test report ends with its lines."""
    return pytestconfig.stash[_FIGURES]


def pytest_sessionfinish(session):
    """Hand the figures of a parallel process to the one that reports."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["figures"] = session.config.stash[_FIGURES]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Collect the figures of a parallel process that has finished."""
    node.config.stash[_FIGURES] += getattr(node, "workeroutput", {}).get("figures", [])


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[_FIGURES]:
        terminalreporter.section("figures")
        for line in config.stash[_FIGURES]:
            terminalreporter.write_line(line)


@pytest.fixture
def classifier():
    return FakeClassifier()


@pytest.fixture
def app(classifier):
    return create_app(Config(), DigitRecogniser(classifier, SAMPLES))


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture(scope="session")
def four_png():
    return encode(draw_digit(4))


@pytest.fixture(scope="session")
def four_jpeg():
    return encode(draw_digit(4), "JPEG")


@pytest.fixture(scope="session")
def placed_digit():
    """Return a digit normalised as in MNIST, (28, 28) uint8: a centred bar of 20 x 6."""
    digit = np.zeros((28, 28), np.uint8)
    digit[4:24, 11:17] = 255
    digit[4:24, 11] = digit[4:24, 16] = 93
    return digit
