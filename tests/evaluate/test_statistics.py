import numpy as np
import pytest
from scipy import stats

from dlflask.evaluate.statistics import calibration, rate, reliability


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [
        # Worked by hand from Wilson's formula.
        pytest.param(8, 10, 0.49016, 0.94332, id="8-of-10"),
        pytest.param(0, 10, 0.0, 0.27753, id="none"),
        pytest.param(10, 10, 0.72247, 1.0, id="all"),
    ],
)
def test_a_rate_has_wilsons_interval(hits, count, low, high):
    found = rate(hits, count)

    assert found.rate == hits / count
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-5)


@pytest.mark.parametrize(("hits", "count"), [(0, 1), (1, 1), (3, 7), (779, 818), (9970, 10_000)])
def test_intervals_are_scipys(hits, count):
    expected = stats.binomtest(hits, count).proportion_ci(method="wilson")

    found = rate(hits, count)

    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_of_no_trials_nothing_is_known():
    found = rate(0, 0)

    assert (found.low, found.high) == (0, 1)


def rows(*confidences):
    """Ten probabilities each: `confidence` for digit 0, the rest shared by the others."""
    return np.array([[p] + [(1 - p) / 9] * 9 for p in confidences])


def test_the_calibration_error_worked_by_hand():
    # Two answers at 0.9, one of them right; two at 0.7, both right. Bins of width 1/15 keep them
    # apart: (2 |0.9 - 0.5| + 2 |0.7 - 1.0|) / 4 = 0.35.
    found = calibration(rows(0.9, 0.9, 0.7, 0.7), np.array([0, 1, 0, 0]))

    assert found.error == pytest.approx(0.35)
    assert [each.count for each in found.bins] == [2, 2]
    assert [each.accuracy for each in found.bins] == [1.0, 0.5]
    assert [each.confidence for each in found.bins] == pytest.approx([0.7, 0.9])


def test_log_loss_and_brier_score_worked_by_hand():
    # Of the truth: 0.8, then 0.2 / 9.
    found = calibration(rows(0.8, 0.8), np.array([0, 3]))

    share = 0.2 / 9
    assert found.log_loss == pytest.approx(-(np.log(0.8) + np.log(share)) / 2)
    right = 0.2**2 + 9 * share**2
    wrong = 0.8**2 + (1 - share) ** 2 + 8 * share**2
    assert found.brier == pytest.approx((right + wrong) / 2)


def test_answers_as_sure_as_they_are_right_have_no_error():
    # Ten answers at 0.8, eight of them right.
    found = calibration(rows(*[0.8] * 10), np.array([0] * 8 + [1] * 2))

    assert found.error == pytest.approx(0, abs=1e-12)


def test_a_truth_of_probability_zero_costs_a_finite_loss():
    found = calibration(rows(1.0), np.array([1]))

    assert np.isfinite(found.log_loss)


def test_complete_certainty_is_in_the_last_bin():
    (last,) = reliability(np.array([1.0]), np.array([True]))

    assert (last.low, last.high) == (14 / 15, 1)


@pytest.mark.parametrize("count", range(1, 200))
def test_an_interval_holds_its_rate(count):
    for hits in (0, count // 2, count):
        shown = rate(hits, count)
        assert 0 <= shown.low <= shown.rate <= shown.high <= 1
