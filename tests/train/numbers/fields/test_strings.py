"""Numbers as people write them."""

import numpy as np

from dlflask.numbers.characters import CHARACTERS
from dlflask.train.numbers.fields.strings import MAX_CHARACTERS, draw_number


def test_draw_number():
    rng = np.random.default_rng(0)
    numbers = [draw_number(rng) for _ in range(3_000)]

    assert set("".join(numbers)) == set(CHARACTERS)
    assert all(1 <= len(number) <= MAX_CHARACTERS for number in numbers)
    assert all(any(each.isdigit() for each in number) for number in numbers)
    lengths = {sum(each.isdigit() for each in number) for number in numbers}
    assert lengths >= set(range(1, 13))
    assert any(number.startswith("0") and number.isdigit() for number in numbers)


def test_draw_number_of_one_seed():
    first, second = (
        [draw_number(np.random.default_rng(seed)) for seed in range(50)] for _ in range(2)
    )

    assert first == second
