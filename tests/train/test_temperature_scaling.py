"""Temperature scaling and the choice of thresholds."""

import h5py
import numpy as np
import pytest

from dlflask.digits.thresholds import Thresholds
from dlflask.inference.model_file import THRESHOLDS_ATTRIBUTE, write_thresholds
from dlflask.train.calibration.thresholds import DIGITS_KEPT, choose_thresholds

keras = pytest.importorskip("keras")

from dlflask.train.calibration.temperature_scaling import (  # noqa: E402  imports Keras
    digit_probabilities,
    fit_temperature,
    scale_logits,
)

pytestmark = pytest.mark.model

RNG = np.random.default_rng(0)
THRESHOLDS = Thresholds(
    unsure_below=0.4, not_a_digit_above=0.6, temperature=1.0, chosen_on="a test"
)


def softmax(logits):
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (shifted / shifted.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_fit_temperature_of_scaled_logits(temperature):
    logits = RNG.normal(0, 2, (50_000, 11))
    true = softmax(logits[:, :10])
    labels = (true.cumsum(axis=1) > RNG.random((len(true), 1))).argmax(axis=1)

    found = fit_temperature(softmax(logits * temperature), labels)

    assert found == pytest.approx(temperature, rel=0.03)


def test_scale_logits():
    inputs = keras.Input((5,))
    model = keras.Model(inputs, keras.layers.Dense(11, activation="softmax")(inputs))
    kernel, bias = RNG.normal(0, 1, (5, 11)), RNG.normal(0, 1, 11)
    model.layers[-1].set_weights([kernel, bias])
    tensors = RNG.normal(0, 1, (20, 5)).astype(np.float32)

    scale_logits(model, 1.7)

    # Not by `model.predict`, which rounds to 8 bits on OpenVINO.
    scaled_kernel, scaled_bias = model.get_weights()
    expected = softmax((tensors @ kernel + bias) / 1.7)
    np.testing.assert_allclose(softmax(tensors @ scaled_kernel + scaled_bias), expected, atol=1e-6)


def test_scale_logits_of_two_layers():
    inputs = keras.Input((5,))
    logits = [keras.layers.Dense(10)(inputs), keras.layers.Dense(1)(inputs)]
    model = keras.Model(inputs, keras.layers.Softmax()(keras.layers.Concatenate()(logits)))
    before = model.get_weights()

    scale_logits(model, 1.7)

    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_allclose(ours, theirs / 1.7, rtol=1e-6)


def test_digit_probabilities_sum_to_one():
    probabilities = softmax(RNG.normal(0, 2, (20, 11)))

    np.testing.assert_allclose(digit_probabilities(probabilities).sum(axis=1), 1, rtol=1e-5)


def test_load_model_with_thresholds(tmp_path):
    inputs = keras.Input((5,))
    model = keras.Model(inputs, keras.layers.Dense(11)(inputs))
    path = tmp_path / "model.h5"
    model.save(path)

    write_thresholds(path, THRESHOLDS.to_json())

    loaded = keras.models.load_model(path, compile=False)
    for ours, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert THRESHOLDS_ATTRIBUTE in h5py.File(path).attrs


@pytest.mark.parametrize(
    ("best", "none", "verdict"),
    [(0.9, 0.1, "digit"), (0.4, 0.5, "digit"), (0.3, 0.5, "unsure"), (0.3, 0.7, "not_a_digit")],
)
def test_decide_batch(best, none, verdict):
    rest = (1 - best - none) / 9
    probabilities = np.array([[best, *(9 * [rest]), none]], np.float32)

    assert THRESHOLDS.decide_batch(probabilities) == [verdict]


def test_choose_thresholds_keeps_digits():
    probabilities = softmax(RNG.normal(0, 3, (1_000, 11)))

    thresholds = choose_thresholds(probabilities, 1.0, "a test")

    kept = np.mean(thresholds.decide_batch(probabilities) == "digit")
    assert DIGITS_KEPT <= kept < DIGITS_KEPT + 0.005
