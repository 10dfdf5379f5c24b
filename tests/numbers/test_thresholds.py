import math
from dataclasses import replace

import pytest

from dlflask.errors import ModelError
from dlflask.numbers.thresholds import DEFAULT_THRESHOLDS, Features, Thresholds


def test_thresholds_from_json():
    assert Thresholds.from_json(DEFAULT_THRESHOLDS.to_json()) == DEFAULT_THRESHOLDS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        replace(DEFAULT_THRESHOLDS, chosen_on=3).to_json(),
        replace(DEFAULT_THRESHOLDS, number_from="0.9").to_json(),
        replace(DEFAULT_THRESHOLDS, number_from=math.nan).to_json(),
    ],
)
def test_thresholds_reject_other_json(text):
    with pytest.raises(ModelError, match=r"Run `python -m dlflask\.train numbers` again"):
        Thresholds.from_json(text)


def test_probability_never_falls_with_a_feature():
    base = Features(-1.0, -2.0)

    lowest = DEFAULT_THRESHOLDS.probability(base)

    assert 0 < lowest < 1
    for name in Features._fields:
        better = base._replace(**{name: getattr(base, name) + 1})
        assert DEFAULT_THRESHOLDS.probability(better) >= lowest
    surer = Features(*(value + 1 for value in base))
    assert DEFAULT_THRESHOLDS.probability(surer) > lowest
    assert DEFAULT_THRESHOLDS.probability(Features(-9, -9)) < 0.01
