import json

import numpy as np
import pytest

from dlflask.digits.prediction import Prediction
from dlflask.digits.thresholds import Thresholds


def test_to_wire_probabilities_parse_to_the_same_float32():
    probabilities = np.random.default_rng(0).dirichlet(np.full(10, 0.05)).astype(np.float32)

    rows = Prediction(probabilities).to_wire()["predictions"]

    assert np.array_equal([np.float32(row["probability"]) for row in rows], probabilities)


def test_to_wire_small_probabilities():
    probabilities = np.zeros(10, np.float32)
    probabilities[:2] = 5.870073e-09, 1

    rows = Prediction(probabilities).to_wire()["predictions"]

    assert [row["probability"] for row in rows[:3]] == ["5.870073e-09", "1.0", "0.0"]


@pytest.mark.parametrize("seed", range(20))
def test_to_json_equals_json_dumps(seed):
    rng = np.random.default_rng(seed)
    prediction = Prediction(rng.dirichlet(np.full(11, 10.0**-seed)).astype(np.float32))

    compact = json.dumps(prediction.to_wire(), separators=(",", ":"), sort_keys=True)

    assert prediction.to_json() == compact


def test_label_and_confidence():
    prediction = Prediction(np.array([0, 0, 0, 0.75, 0.25, 0, 0, 0, 0, 0], np.float32))

    assert (prediction.label, prediction.confidence) == (3, 0.75)


def test_probabilities_of_eleven_outputs():
    outputs = np.array([0.1, 0.3, *[0] * 8, 0.6], np.float32)

    prediction = Prediction(outputs)

    assert np.allclose(prediction.probabilities, [0.25, 0.75, *[0] * 8])
    assert prediction.not_a_digit == outputs[10]


def test_candidates():
    probabilities = np.array([0.02, 0.5, 0.05, 0, 0.1, 0.33, 0, 0, 0, 0], np.float32)

    assert Prediction(probabilities).candidates == [1, 5, 4]


@pytest.mark.parametrize(
    ("outputs", "verdict"),
    [
        pytest.param([0.9, 0.1, 0.0], "digit", id="sure"),
        pytest.param([0.4, 0.35, 0.25], "unsure", id="two-digits"),
        pytest.param([0.2, 0.05, 0.75], "not_a_digit", id="none"),
    ],
)
def test_verdict(outputs, verdict):
    first, second, none = outputs
    thresholds = Thresholds(
        unsure_below=0.6, not_a_digit_above=0.5, temperature=1.0, chosen_on="this test"
    )

    row = np.array([first, second, *[0] * 8, none], np.float32)

    assert Prediction(row, thresholds).verdict == verdict
