"""Golden digits in the model file, with which a worker compares its outputs before it serves."""

import dataclasses

import keras
import numpy as np
import pytest

from dlflask.config import Config
from dlflask.digits.classifier import Classifier
from dlflask.errors import ModelError
from dlflask.inference.model_file import Golden, read_golden, write_golden


@pytest.fixture
def path(tmp_path):
    """Save a small network with golden digits whose outputs are computed by NumPy."""
    layers = [
        keras.Input((28, 28, 1)),
        keras.layers.Flatten(),
        keras.layers.Dense(10, "softmax"),
    ]
    model = keras.Sequential(layers)
    path = tmp_path / "golden.h5"
    model.save(path)
    digits = np.random.default_rng(0).integers(0, 256, (10, 28, 28), np.uint8)
    kernel, bias = model.layers[-1].get_weights()
    odds = np.exp(digits.reshape(10, 784) / 255 @ kernel + bias)
    write_golden(path, Golden(digits, (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)))
    return path


def test_warm_up_with_matching_golden_digits(path):
    classifier = Classifier(path)

    classifier.warm_up()

    assert classifier.is_ready


def test_warm_up_with_other_golden_outputs(path):
    golden = read_golden(path)
    write_golden(path, dataclasses.replace(golden, outputs=golden.outputs[::-1]))
    classifier = Classifier(path)

    with pytest.raises(ModelError, match="golden digits differ by"):
        classifier.warm_up()

    assert not classifier.is_ready


def test_served_model_has_golden_digits():
    golden = read_golden(Config().model_path)

    assert golden is not None, f"run `python -m dlflask.train.golden {Config().model_path.name}`"
    # The golden digits are the samples, which the model classifies correctly.
    assert golden.outputs.argmax(axis=1).tolist() == list(range(10))


def test_report_stores_golden_digits(path, monkeypatch):
    tensorflow = pytest.importorskip("tensorflow", reason="TensorFlow is the reference")
    assert tensorflow.__version__
    from dlflask.train.golden import main  # noqa: PLC0415  imports the training packages

    model = keras.Sequential(
        [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(11, "softmax")]
    )
    model.save(path)

    assert main([str(path)]) == 0

    golden = read_golden(path)
    assert golden.digits.shape == (10, 28, 28)
    assert golden.outputs.shape == (10, 11)
    assert golden.outputs.sum(axis=1) == pytest.approx(np.ones(10), abs=1e-5)
