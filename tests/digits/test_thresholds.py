import h5py
import numpy as np
import pytest

from dlflask.digits.prediction import Prediction
from dlflask.digits.thresholds import PLAIN, Thresholds
from dlflask.errors import ModelError
from dlflask.inference.model_file import ATTRIBUTE, read_thresholds, write_thresholds

THRESHOLDS = Thresholds(
    unsure_below=0.6, not_a_digit_above=0.5, temperature=1.3, chosen_on="drawn digits"
)


def outputs(best, none=None):
    """What a network says: `best` for digit 7, `none` for no digit, the rest shared."""
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
def test_a_verdict_follows_from_the_thresholds(best, none, verdict):
    assert Prediction(outputs(best, none), THRESHOLDS).verdict == verdict


@pytest.mark.parametrize("columns", [10, 11])
def test_one_is_judged_like_many(columns):
    rows = np.random.default_rng(0).dirichlet(np.full(columns, 0.2), 500).astype(np.float32)
    # Thresholds are chosen among the outputs of pictures, so a tie is no accident.
    thresholds = Thresholds(float(f"{rows[0].max():.7g}"), float(rows[1, -1]), 1.0, "two of them")

    one_by_one = [thresholds.judge_one(row.tolist()) for row in rows]

    assert one_by_one == thresholds.judge(rows).tolist()


@pytest.mark.parametrize(("best", "verdict"), [(0.5, "digit"), (0.49, "unsure")])
def test_a_model_without_thresholds_is_unsure_below_an_even_chance(best, verdict):
    assert Prediction(outputs(best)).verdict == verdict


def test_eleven_outputs_become_ten_probabilities():
    prediction = Prediction(outputs(0.6, 0.25), THRESHOLDS)

    assert prediction.probabilities.shape == (10,)
    assert prediction.probabilities.dtype == np.float32
    assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-6)
    assert prediction.confidence == pytest.approx(0.8)
    assert prediction.not_a_digit == 0.25
    assert set(prediction.to_wire()) == {"most_probable_label", "predictions", "success"}
    assert len(prediction.to_wire()["predictions"]) == 10


def test_ten_outputs_are_the_probabilities():
    ten = outputs(0.7)

    assert np.shares_memory(Prediction(ten).probabilities, ten)
    assert Prediction(ten).not_a_digit == 0


def test_nothing_left_for_the_digits_is_shared_evenly():
    none = np.zeros(11, np.float32)
    none[10] = 1

    prediction = Prediction(none, THRESHOLDS)

    assert prediction.verdict == "not_a_digit"
    assert np.array_equal(prediction.probabilities, np.full(10, 0.1, np.float32))


def test_a_model_file_keeps_its_thresholds(tmp_path):
    path = tmp_path / "model.h5"
    h5py.File(path, "w").close()
    assert read_thresholds(path) is None

    write_thresholds(path, THRESHOLDS)

    assert read_thresholds(path) == THRESHOLDS


def test_a_file_that_is_no_hdf5_has_no_thresholds(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(b"PK\x03\x04")

    assert read_thresholds(path) is None


@pytest.mark.parametrize("text", ["", "[1]", '{"threshold": 1}'], ids=repr)
def test_thresholds_that_cannot_be_read_are_a_model_error(tmp_path, text):
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        file.attrs[ATTRIBUTE] = text

    with pytest.raises(ModelError, match="make train"):
        read_thresholds(path)


def test_every_verdict_of_many_rows_at_once():
    rows = np.stack([outputs(0.9, 0.0), outputs(0.4, 0.3), outputs(0.1, 0.8)])

    assert THRESHOLDS.judge(rows).tolist() == ["digit", "unsure", "not_a_digit"]
    assert PLAIN.judge(rows[:1, :10]).tolist() == ["digit"]
