import numpy as np

from dlflask.prediction import Prediction


def test_a_probability_on_the_wire_reads_back_to_the_same_float32():
    probabilities = np.random.default_rng(0).dirichlet(np.full(10, 0.05)).astype(np.float32)

    rows = Prediction(probabilities).to_wire()["predictions"]

    assert np.array_equal([np.float32(row["probability"]) for row in rows], probabilities)


def test_small_probabilities_are_written_with_an_exponent():
    probabilities = np.zeros(10, np.float32)
    probabilities[:2] = 5.870073e-09, 1

    rows = Prediction(probabilities).to_wire()["predictions"]

    assert [row["probability"] for row in rows[:3]] == ["5.870073e-09", "1.0", "0.0"]


def test_label_and_confidence_are_of_the_most_probable_digit():
    prediction = Prediction(np.array([0, 0, 0, 0.75, 0.25, 0, 0, 0, 0, 0], np.float32))

    assert (prediction.label, prediction.confidence) == (3, 0.75)
