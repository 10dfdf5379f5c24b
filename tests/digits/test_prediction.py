import json

import numpy as np
import pytest

from dlflask.digits.prediction import Prediction
from dlflask.digits.thresholds import Thresholds
from dlflask.web.presentation import percent, sentence


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


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [(0.9831, "98.3%"), (0.99999, ">99.9%"), (0.0, "<0.1%"), (0.0005, "0.1%"), (0.9994, "99.9%")],
)
def test_percent(fraction, expected):
    assert percent(fraction) == expected


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        pytest.param([0.9, 0.1, 0.0], "This looks like a 0 (90.0%).", id="sure"),
        pytest.param([0.45, 0.4, 0.15], "Not sure: 0 or 1.", id="two-digits"),
        pytest.param([0.2, 0.05, 0.75], "This does not look like a digit.", id="none"),
    ],
)
def test_sentence_of_each_verdict(outputs, expected):
    first, second, none = outputs

    prediction = Prediction(np.array([first, second, *[0] * 8, none], np.float32))
    assert sentence(prediction, prediction.verdict) == expected
    assert sentence(prediction, "several_digits") == "This shows several digits."


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        pytest.param({8: 0.98, 3: 0.02}, "This looks like an 8 (98.0%).", id="article"),
        pytest.param({1: 0.64, 7: 0.36}, "This looks like a 1 (64.0%), or a 7.", id="one-more"),
        pytest.param({7: 0.7, 8: 0.3}, "This looks like a 7 (70.0%), or an 8.", id="other-article"),
        pytest.param(
            {0: 0.55, 6: 0.16, 8: 0.15, 9: 0.14},
            "This looks like a 0 (55.0%), or a 6, or an 8.",
            id="three-at-most",
        ),
    ],
)
def test_sentence_of_a_digit(probabilities, expected):
    outputs = np.zeros(11, np.float32)
    outputs[list(probabilities)] = list(probabilities.values())
    thresholds = Thresholds(
        unsure_below=0.5, not_a_digit_above=0.5, temperature=1.0, chosen_on="this test"
    )

    prediction = Prediction(outputs, thresholds)
    assert sentence(prediction, prediction.verdict) == expected


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
