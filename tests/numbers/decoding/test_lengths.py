import pytest

from dlflask.errors import InvalidLength
from dlflask.numbers.decoding.lengths import Lengths, parse_lengths


@pytest.mark.parametrize(("text", "lengths"), [("5", (5, 5)), ("4-6", (4, 6)), ("100", (100, 100))])
def test_parse_lengths(text, lengths):
    assert parse_lengths(text) == Lengths(*lengths)
    assert str(parse_lengths(text)) == text


@pytest.mark.parametrize(
    "text", ["", "0", "-5", "5-", "6-4", "101", "5 ", "\u0665", "5-6-7", "1e3", "9" * 5000]
)
def test_parse_lengths_names_what_it_expects(text):
    with pytest.raises(InvalidLength, match="expected a number of digits such as 5"):
        parse_lengths(text)
