"""Characters, their output indices and the description in the model file."""

import pytest

from dlflask.errors import ModelError
from dlflask.numbers.characters import ALPHABET, BLANK, NUM_CLASSES, NumberNetwork, collapse, encode

NETWORK = NumberNetwork(ALPHABET, BLANK, 32, 4, "1")


def test_encode():
    assert encode("0-9") == [1, 13, 10]
    assert max(encode(ALPHABET)) == NUM_CLASSES - 1


@pytest.mark.parametrize(
    ("columns", "number"),
    [([], ""), ([0, 0], ""), ([2, 2, 0, 2], "11"), ([1, 2, 2, 3, 0], "012"), ([14, 0, 11], "?.")],
)
def test_collapse(columns, number):
    assert collapse(columns) == number


def test_network_round_trip():
    assert NumberNetwork.from_json(NETWORK.to_json()) == NETWORK


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", NETWORK.to_json().replace("32", '"32"'), NETWORK.to_json() + "}"]
)
def test_network_from_damaged_json(text):
    with pytest.raises(ModelError, match=r"Run `python -m dlflask\.train numbers` again"):
        NumberNetwork.from_json(text)
