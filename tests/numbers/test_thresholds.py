import pytest

from dlflask.errors import ModelError
from dlflask.numbers.thresholds import DEFAULT_THRESHOLDS, Thresholds


def test_thresholds_from_json():
    assert Thresholds.from_json(DEFAULT_THRESHOLDS.to_json()) == DEFAULT_THRESHOLDS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        DEFAULT_THRESHOLDS.to_json().replace('"nothing: the default"', "3"),
        DEFAULT_THRESHOLDS.to_json().replace("0.9", '"0.9"'),
        DEFAULT_THRESHOLDS.to_json().replace("0.9", "NaN"),
    ],
)
def test_thresholds_reject_other_json(text):
    with pytest.raises(ModelError, match=r"Run `python -m dlflask\.train numbers` again"):
        Thresholds.from_json(text)


def test_probability_rises_with_agreement_and_with_each_network():
    base = DEFAULT_THRESHOLDS.probability(0.8, [0.9, 0.9], agree=False)

    assert 0 < base < 1
    assert DEFAULT_THRESHOLDS.probability(0.8, [0.9, 0.9], agree=True) > base
    assert DEFAULT_THRESHOLDS.probability(0.9, [0.9, 0.9], agree=False) > base
    assert DEFAULT_THRESHOLDS.probability(0.8, [0.9, 0.99], agree=False) > base
    assert 0 <= DEFAULT_THRESHOLDS.probability(0, [0.0], agree=False) < 0.01
