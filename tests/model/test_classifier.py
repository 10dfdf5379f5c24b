import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
from scipy import special

from dlflask.config import Config
from dlflask.digits.classifier import Classifier
from dlflask.digits.normalization import read_tensor
from dlflask.errors import ModelError
from dlflask.inference.adaptation import Adaptation
from tests.conftest import encode
from tests.drawing import STROKES, draw_digit
from tests.serving import ROOT

MODEL = Config().model_path


@pytest.fixture(scope="module")
def classifier():
    return Classifier(MODEL)


@pytest.fixture(scope="module")
def tensors():
    return np.stack([read_tensor(encode(draw_digit(label))) for label in STROKES])


def test_predict_drawn_digits(classifier, tensors):
    labels = [prediction.label for prediction in classifier.predict_many(tensors)]

    assert sum(label == drawn for label, drawn in zip(labels, STROKES, strict=True)) >= 9


def test_probabilities_are_float32_and_sum_to_one(classifier, tensors):
    for prediction in classifier.predict_many(tensors):
        assert prediction.probabilities.shape == (10,)
        assert prediction.probabilities.dtype == np.float32
        assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_predict_many_equals_single_predictions(classifier, tensors):
    together = classifier.predict_many(tensors)

    for tensor, prediction in zip(tensors, together, strict=True):
        alone = classifier.predict(tensor).probabilities
        assert np.allclose(alone, prediction.probabilities, atol=1e-6)


def test_prediction_is_not_overwritten_by_the_next(classifier, tensors):
    first = classifier.predict(tensors[0])
    kept = first.probabilities.copy()

    classifier.predict(tensors[1])

    assert np.array_equal(first.probabilities, kept)


def test_predict_in_several_threads(classifier, tensors):
    expected = [classifier.predict(tensor).probabilities for tensor in tensors]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: classifier.predict(tensors[i % 10]), range(400)))

    assert all(
        np.array_equal(prediction.probabilities, expected[i % 10])
        for i, prediction in enumerate(found)
    )


def test_classifier_is_ready_after_warm_up():
    classifier = Classifier(MODEL)
    assert not classifier.is_ready

    classifier.warm_up()

    assert classifier.is_ready


def test_probabilities_equal_tensorflow(classifier, tensors, tmp_path):
    pytest.importorskip("tensorflow", reason="TensorFlow is the reference; it is not installed")
    noise = np.random.default_rng(0).random((54, 28, 28), np.float32)
    batch = np.concatenate([tensors, noise])
    np.save(tmp_path / "batch.npy", batch)
    program = (
        "import keras, numpy as np, sys\n"
        "model = keras.models.load_model(sys.argv[1], compile=False)\n"
        "batch = np.load(sys.argv[2] + '/batch.npy')\n"
        "np.save(sys.argv[2] + '/tf.npy', model.predict(batch[..., None], verbose=0))\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, str(MODEL), str(tmp_path)],
        env=os.environ | {"KERAS_BACKEND": "tensorflow"},
        check=True,
        capture_output=True,
        cwd=ROOT,
    )

    served = np.stack([p.outputs for p in classifier.predict_many(batch)])

    assert np.abs(served - np.load(tmp_path / "tf.npy")).max() < 1e-4


ACTIVATIONS = {
    "softmax": lambda logits: special.softmax(logits, axis=1),
    "linear": lambda logits: logits,
    "sigmoid": special.expit,
}


@pytest.mark.parametrize(
    ("shape", "activation", "name"),
    [
        ((28, 28, 1), "softmax", "own.h5"),
        ((28, 28), "linear", "own.h5"),
        ((784,), "sigmoid", "own.keras"),
        ((28, 28, 3), "softmax", "renamed"),
        ((3, 28, 28), "softmax", "own.h5"),
        ((32, 32, 1), "softmax", "own.keras"),
    ],
    ids=str,
)
def test_classifier_with_another_architecture(tmp_path, tensors, shape, activation, name):
    model = keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Flatten(),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(10, activation=activation),
        ]
    )
    model.save(tmp_path / (name if "." in name else "own.h5"))
    # The name of a file need not fit its content.
    if name == "renamed":
        (tmp_path / "own.h5").rename(tmp_path / name)

    classifier = Classifier(tmp_path / name)
    predictions = classifier.predict_many(tensors)

    # The network is not trained, so any convention may have been chosen.
    outputs = {"softmax": "softmax", "linear": "logits", "sigmoid": "sigmoids"}[activation]
    adaptation = Adaptation(shape, classifier.description.convention, outputs)
    expected = adaptation.finish(compute_outputs(model, adaptation.prepare(tensors), activation))
    assert classifier.description.outputs == outputs
    assert np.allclose([p.probabilities for p in predictions], expected, atol=1e-5)
    alone = classifier.predict(tensors[3]).probabilities
    assert np.allclose(alone, expected[3], atol=1e-5)


def compute_outputs(model, batch, activation):
    """Return the outputs of Dense layers. Keras's own function rounds to 8 bits on OpenVINO."""
    kernel, bias, last_kernel, last_bias = model.get_weights()
    hidden = np.maximum(batch.reshape(len(batch), -1) @ kernel + bias, 0)
    return ACTIVATIONS[activation](hidden @ last_kernel + last_bias)


def save_network(path, inputs, units, activation):
    layers = [keras.Input(inputs), keras.layers.Flatten(), keras.layers.Dense(units, activation)]
    keras.Sequential(layers).save(path)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(Path.exists, "does not exist", id="missing"),
        pytest.param(lambda path: path.write_bytes(b"no model"), "begins with", id="text"),
        pytest.param(
            lambda path: path.write_bytes(MODEL.read_bytes()[:20_000]),
            "damaged or incomplete",
            id="cut-off",
        ),
        pytest.param(
            lambda path: save_network(path, (64, 64, 3), 10, "softmax"), "28 x 28", id="large"
        ),
        pytest.param(
            lambda path: save_network(path, (28, 28, 1), 7, "softmax"), "ten", id="7-classes"
        ),
        pytest.param(Path.mkdir, "is a folder", id="folder"),
        pytest.param(
            lambda path: path.mkdir() or (path / "saved_model.pb").touch(),
            "SavedModel",
            id="saved-model",
        ),
        pytest.param(os.mkfifo, "is a device or a pipe", id="pipe"),
    ],
)
def test_classifier_rejects_other_files(tmp_path, make, says):
    path = tmp_path / "wrong.h5"
    make(path)

    with pytest.raises(ModelError, match=says) as caught:
        Classifier(path).warm_up()

    assert len(str(caught.value).splitlines()) == 1
    assert "make train" not in str(caught.value)
