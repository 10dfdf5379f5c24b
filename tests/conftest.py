"""Fixtures of all tests. This module does not import Keras."""

import io
import os
import sys
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import settings

from dlflask.config import ROOT, Config
from dlflask.digits.prediction import Prediction
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.digits.thresholds import DEFAULT_THRESHOLDS
from dlflask.inference.description import ModelDescription
from dlflask.numbers.characters import NUM_CLASSES
from dlflask.numbers.characters import encode as spell
from dlflask.numbers.normalization import STRIDE
from dlflask.numbers.recogniser import NumberRecogniser
from dlflask.numbers.thresholds import DEFAULT_THRESHOLDS as NUMBER_DEFAULTS
from dlflask.web.app import create_app
from tests.drawing import draw_digit

pytest_plugins = ["tests.compiled_once", "tests.pen_strokes"]

# Keras uses TensorFlow by default, which is missing on Python 3.14.
if find_spec("tensorflow") is None:
    os.environ.setdefault("KERAS_BACKEND", "openvino")

# Hypothesis's default deadline is wall time, which a busy machine exceeds.
settings.register_profile("dlflask", deadline=None)
settings.load_profile("dlflask")

# As in dlflask/inference/environment.py, for tests that import Keras before it.
sys.modules["openvino_telemetry"] = None

# jsonschema would compile grammars for a second to check internationalised addresses ("iri"), a
# format that none of the checked schemas has.
sys.modules["rfc3987_syntax"] = None


SAMPLES = sorted((ROOT / "static" / "samples").glob("*.png"))


DESCRIPTION = ModelDescription(
    keras_version="2.2.4",
    layers=(("flatten", "Flatten", (None, 784)), ("dense", "Dense", (None, 10))),
    num_parameters=7_850,
    input_shape=(28, 28, 1),
    convention="0..255",
    samples_read=9,
    outputs="logits",
    num_classes=10,
)


class FakeClassifier:
    """Classifier that returns `outputs`, a 4 by default, and records its tensors."""

    def __init__(self):
        self.is_ready = True
        self.tensors = []
        self.passes = 0
        self.sha256 = "0123456789abcdef" * 4
        self.runtime = "fake 1.0 on paper"
        self.description = DESCRIPTION
        self.thresholds = DEFAULT_THRESHOLDS
        self.outputs = np.full(10, 0.01, np.float32)
        self.outputs[4] = 0.91

    def warm_up(self):
        self.is_ready = True

    def explain(self, tensor, _):
        return tensor

    def predict(self, tensor):
        return self.predict_many([tensor])[0]

    def predict_many(self, tensors):
        self.passes += 1
        self.tensors.extend(tensors)
        return [Prediction(self.outputs) for _ in tensors]


#: Thresholds that do not change with the model.
NUMBER_THRESHOLDS = replace(
    NUMBER_DEFAULTS, bias=0.5, strip=0.5, combined=1.0, number_from=0.9, no_number_below=0.1
)


class FakeNetwork:
    """Number network that reads `text`, a 4 by default, on every strip."""

    def __init__(self, text="4", probability=0.99):
        self.text, self.probability = text, probability
        self.is_ready = True
        self.sha256 = "89abcdef01234567" * 4
        self.runtime = "fake 1.0 on paper"
        self.thresholds = NUMBER_THRESHOLDS

    def warm_up(self):
        self.is_ready = True

    def __call__(self, pixels):
        """Spread the characters evenly over the strip, with blank between them."""
        columns = max(pixels.shape[1] // STRIDE, 2 * len(self.text) + 1)
        rest = (1 - self.probability) / (NUM_CLASSES - 1)
        outputs = np.full((columns, NUM_CLASSES), rest, np.float32)
        path = np.zeros(columns, int)
        middles = (np.arange(len(self.text)) + 0.5) * columns / max(1, len(self.text))
        path[middles.astype(int)] = spell(self.text)
        outputs[np.arange(columns), path] = self.probability
        return outputs


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
def network():
    return FakeNetwork()


@pytest.fixture
def app(classifier, network):
    numbers = NumberRecogniser(network, classifier)
    return create_app(Config(), DigitRecogniser(classifier, SAMPLES), numbers)


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
