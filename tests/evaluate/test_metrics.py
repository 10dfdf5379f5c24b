import numpy as np
import pytest

from dlflask.evaluate.metrics import calibration, rate, reliability


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [
        # Computed by hand from Wilson's formula.
        pytest.param(8, 10, 0.49016, 0.94332, id="8-of-10"),
        pytest.param(0, 10, 0.0, 0.27753, id="none"),
        pytest.param(10, 10, 0.72247, 1.0, id="all"),
    ],
)
def test_rate_wilson_interval(hits, count, low, high):
    found = rate(hits, count)

    assert found.rate == hits / count
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-5)


def test_rate_without_trials():
    found = rate(0, 0)

    assert (found.low, found.high) == (0, 1)


def rows(*confidences):
    """Rows of ten probabilities: a confidence for digit 0, the rest shared by the others."""
    return np.array([[p] + [(1 - p) / 9] * 9 for p in confidences])


def test_calibration_error():
    # Two predictions at 0.9, one of them right; two at 0.7, both right. Bins of width 1/15 keep
    # them apart: (2 |0.9 - 0.5| + 2 |0.7 - 1.0|) / 4 = 0.35.
    found = calibration(rows(0.9, 0.9, 0.7, 0.7), np.array([0, 1, 0, 0]))

    assert found.error == pytest.approx(0.35)
    assert [each.count for each in found.bins] == [2, 2]
    assert [each.accuracy for each in found.bins] == [1.0, 0.5]
    assert [each.confidence for each in found.bins] == pytest.approx([0.7, 0.9])


def test_calibration_log_loss_and_brier():
    # The labels have the probabilities 0.8 and 0.2 / 9.
    found = calibration(rows(0.8, 0.8), np.array([0, 3]))

    share = 0.2 / 9
    assert found.log_loss == pytest.approx(-(np.log(0.8) + np.log(share)) / 2)
    right = 0.2**2 + 9 * share**2
    wrong = 0.8**2 + (1 - share) ** 2 + 8 * share**2
    assert found.brier == pytest.approx((right + wrong) / 2)


def test_calibration_error_of_calibrated_predictions():
    # Ten predictions at 0.8, eight of them right.
    found = calibration(rows(*[0.8] * 10), np.array([0] * 8 + [1] * 2))

    assert found.error == pytest.approx(0, abs=1e-12)


def test_calibration_label_of_probability_zero():
    found = calibration(rows(1.0), np.array([1]))

    assert np.isfinite(found.log_loss)


def test_reliability_confidence_one():
    (last,) = reliability(np.array([1.0]), np.array([True]))

    assert (last.low, last.high) == (14 / 15, 1)


@pytest.mark.parametrize("count", range(1, 200))
def test_rate_lies_in_its_interval(count):
    for hits in (0, count // 2, count):
        shown = rate(hits, count)
        assert 0 <= shown.low <= shown.rate <= shown.high <= 1
