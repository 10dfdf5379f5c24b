import numpy as np
import pytest

from dlflask.numbers.thresholds import Features
from dlflask.train.numbers.calibration import Example, choose_thresholds, fit_logistic, fit_rising


def test_fit_logistic_finds_the_weights():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(20_000, 2))
    chance = 1 / (1 + np.exp(-(0.5 + 2 * values[:, 0] - values[:, 1])))

    weights = fit_logistic(values, rng.random(20_000) < chance)

    assert weights == pytest.approx([0.5, 2, -1], abs=0.1)


def test_fit_rising_drops_a_feature_that_only_corrects_another():
    rng = np.random.default_rng(0)
    quality = rng.normal(size=20_000)
    values = np.column_stack([quality, quality + rng.normal(size=20_000), rng.normal(size=20_000)])
    chance = 1 / (1 + np.exp(-(0.5 + 2 * values[:, 0] - 0.5 * values[:, 1])))

    bias, first, second, third = fit_rising(values, rng.random(20_000) < chance)

    assert (bias, first) == pytest.approx((0.5, 1.5), abs=0.15)
    assert second == 0
    assert 0 <= third < 0.1


def test_choose_thresholds_gives_number_to_the_right_ones():
    rng = np.random.default_rng(0)
    examples = []
    for _ in range(2_000):
        quality = rng.normal()
        is_right = bool(rng.random() < 1 / (1 + np.exp(-4 * quality - 2)))
        examples.append(
            Example(Features(quality, 0.0, 0.0, 0.0, 1.0), is_right, may_be_number=True)
        )

    found = choose_thresholds(examples, "this test")

    sure = [one for one in examples if found.probability(one.features) >= found.number_from]
    assert 0.3 < len(sure) / len(examples) < 1
    assert np.mean([one.is_right for one in sure]) >= 0.97
    assert found.chosen_on == "this test"
