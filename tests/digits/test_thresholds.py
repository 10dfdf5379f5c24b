import h5py
import numpy as np
import pytest

from dlflask.digits.prediction import Prediction
from dlflask.digits.thresholds import DEFAULT_THRESHOLDS, Thresholds
from dlflask.errors import ModelError
from dlflask.inference.model_file import read_thresholds, write_thresholds

THRESHOLDS = Thresholds(
    unsure_below=0.6, not_a_digit_above=0.5, temperature=1.3, chosen_on="drawn digits"
)


def outputs(best, none=None):
    """Return outputs of a network: `best` for 7, `none` for no digit, the rest divided evenly."""
    rest = (1 - best - (none or 0)) / 9
    digits = [best if digit == 7 else rest for digit in range(10)]
    return np.array(digits if none is None else [*digits, none], np.float32)


@pytest.mark.parametrize(
    ("best", "none", "verdict"),
    [
        pytest.param(0.9, 0.0, "digit", id="sure"),
        pytest.param(0.61, 0.39, "digit", id="just-sure"),
        pytest.param(0.59, 0.0, "unsure", id="between-digits"),
        pytest.param(0.5, 0.49, "unsure", id="perhaps-none"),
        pytest.param(0.2, 0.51, "not_a_digit", id="none"),
        pytest.param(0.9, None, "digit", id="ten-outputs-sure"),
        pytest.param(0.3, None, "unsure", id="ten-outputs-unsure"),
    ],
)
def test_verdict_of_thresholds(best, none, verdict):
    assert Prediction(outputs(best, none), THRESHOLDS).verdict == verdict


@pytest.mark.parametrize("columns", [10, 11])
def test_decide_equals_decide_batch(columns):
    rows = np.random.default_rng(0).dirichlet(np.full(columns, 0.2), 500).astype(np.float32)
    # Thresholds equal to an output, which is how they are chosen: both must treat ties alike.
    thresholds = Thresholds(float(f"{rows[0].max():.7g}"), float(rows[1, -1]), 1.0, "two of them")

    one_by_one = [thresholds.decide(row.tolist()) for row in rows]

    assert one_by_one == thresholds.decide_batch(rows).tolist()


@pytest.mark.parametrize(("best", "verdict"), [(0.5, "digit"), (0.49, "unsure")])
def test_verdict_of_default_thresholds(best, verdict):
    assert Prediction(outputs(best)).verdict == verdict


def test_prediction_of_eleven_outputs():
    prediction = Prediction(outputs(0.6, 0.25), THRESHOLDS)

    assert prediction.probabilities.shape == (10,)
    assert prediction.probabilities.dtype == np.float32
    assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-6)
    assert prediction.confidence == pytest.approx(0.8)
    assert prediction.not_a_digit == 0.25
    assert set(prediction.to_wire()) == {"most_probable_label", "predictions", "success"}
    assert len(prediction.to_wire()["predictions"]) == 10


def test_prediction_of_ten_outputs():
    ten = outputs(0.7)

    assert np.shares_memory(Prediction(ten).probabilities, ten)
    assert Prediction(ten).not_a_digit == 0


def test_prediction_without_probability_for_any_digit():
    none = np.zeros(11, np.float32)
    none[10] = 1

    prediction = Prediction(none, THRESHOLDS)

    assert prediction.verdict == "not_a_digit"
    assert np.array_equal(prediction.probabilities, np.full(10, 0.1, np.float32))


def test_write_and_read_thresholds(tmp_path):
    path = tmp_path / "model.h5"
    h5py.File(path, "w").close()
    assert read_thresholds(path) is None

    write_thresholds(path, THRESHOLDS.to_json())

    assert Thresholds.from_json(read_thresholds(path)) == THRESHOLDS


def test_read_thresholds_of_keras_archive(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(b"PK\x03\x04")

    assert read_thresholds(path) is None


@pytest.mark.parametrize("text", ["", "[1]", '{"threshold": 1}'], ids=repr)
def test_from_json_invalid(text):
    with pytest.raises(ModelError, match="make train"):
        Thresholds.from_json(text)


def test_decide_batch():
    rows = np.stack([outputs(0.9, 0.0), outputs(0.4, 0.3), outputs(0.1, 0.8)])

    assert THRESHOLDS.decide_batch(rows).tolist() == ["digit", "unsure", "not_a_digit"]
    assert DEFAULT_THRESHOLDS.decide_batch(rows[:1, :10]).tolist() == ["digit"]
