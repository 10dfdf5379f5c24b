import numpy as np
import pytest

from dlflask.numbers.decoding.lengths import Lengths
from dlflask.numbers.lines.line_finding import find_lines
from dlflask.numbers.lines.page import read_page
from dlflask.numbers.reader import LineReader, read_strip
from tests.conftest import NUMBER_THRESHOLDS, FakeClassifier, FakeNetwork, encode
from tests.drawing import draw_number
from tests.numbers.decoding.test_prefix_search import outputs_of


class EachDigit(FakeClassifier):
    """Digit network that returns the digits of `text` one after the other."""

    def __init__(self, text):
        super().__init__()
        self.text = iter(text)

    def predict(self, tensor):
        self.outputs = np.full(10, 0.001, np.float32)
        self.outputs[int(next(self.text))] = 0.991
        return super().predict(tensor)


def read(text, second=None, *, drawn=None, lengths=None, probability=0.998):
    picture = encode(draw_number(drawn or text, gap=0))
    page, (line, *_), _ = read_page(picture, find_lines, lambda *_: [])
    network = FakeNetwork(text, probability)
    digits = "".join(filter(str.isdigit, text)) if second is None else second
    classifier = EachDigit(digits)
    reading = LineReader(network, classifier, NUMBER_THRESHOLDS).read(line, page, lengths)
    # The digit network is called once for each digit, at the latest when the digits are shown.
    if reading.characters:
        assert len(reading.digit_text) == len(classifier.tensors)
    return reading


def test_read_number_if_both_networks_agree():
    reading = read("1805")

    assert (reading.number, reading.verdict) == ("1805", "number")
    assert reading.digit_text == "1805"
    assert reading.confidence > 0.9
    assert [one.label for one in reading.characters] == list("1805")


def test_read_unsure_if_networks_disagree():
    reading = read("1805", "1865", probability=0.9)

    assert (reading.number, reading.verdict) == ("1805", "unsure")
    assert reading.digit_text == "1865"


@pytest.mark.parametrize(("probability", "is_certain"), [(0.998, False), (0.9999, True)])
def test_read_number_if_the_number_network_is_far_more_certain(probability, is_certain):
    reading = read("1805", "1865", probability=probability)

    assert (reading.number, reading.verdict) == ("1805", "number")
    assert reading.digit_text == "1865"
    assert {one.is_certain for one in reading.characters} == {is_certain}


@pytest.mark.parametrize(
    ("text", "probability", "calls"),
    [("1805", 0.9999, 0), ("1805", 0.998, 4), ("7", 0.9999, 1), ("-7.", 0.9999, 1)],
)
def test_read_calls_the_digit_network_only_where_it_is_needed(text, probability, calls):
    page, (line, *_), _ = read_page(encode(draw_number(text, gap=0)), find_lines, lambda *_: [])
    classifier = EachDigit(filter(str.isdigit, text))

    LineReader(FakeNetwork(text, probability), classifier, NUMBER_THRESHOLDS).read(line, page)

    assert len(classifier.tensors) == calls


def test_read_follows_the_digit_network_where_the_number_network_is_in_doubt():
    reading = read("1805", "1865", probability=0.5)

    assert (reading.number, reading.verdict) == ("1865", "unsure")
    assert reading.strip_text == "1805"
    assert reading.characters[2].candidates[0] == "6"


def test_read_keeps_separators_and_sign():
    assert read("-12.50").number == "-12.50"
    assert read("1,250").number == "1,250"


def test_read_drops_marks_behind_an_amount():
    reading = read("146.-")

    assert reading.number == "146"
    assert reading.strip_text == "146.-"
    assert len(reading.characters) == 3


@pytest.mark.parametrize("text", [".50", "1..5", "12-34", "1?8"])
def test_read_is_unsure_of_texts_that_are_not_numbers(text):
    assert read(text).verdict == "unsure"


@pytest.mark.parametrize("text", ["?", "1??", "-", ""])
def test_read_of_no_number(text):
    reading = read(text, drawn="42")

    assert (reading.number, reading.verdict, reading.characters) == ("", "no_number", [])


def test_read_boxes_lie_on_the_digits():
    reading = read("42")
    four, two = (one.box for one in reading.characters)

    assert four.x < four.x + four.width < two.x
    for x, y, width, height in (four, two):
        assert reading.box.x <= x
        assert x + width <= reading.box.x + reading.box.width + 1
        assert y + height <= reading.box.y + reading.box.height + 1
        assert height > 50


def test_read_strip_prefers_a_doubtful_digit_to_a_mark():
    doubtful, spoiled = (
        outputs_of([{"1": 1}, {"_": 1}, {"?": 1 - chance, "8": chance}]) for chance in (0.1, 0.001)
    )

    first, second = read_strip(doubtful), read_strip(spoiled)

    assert (first.text, first.probability) == ("18", pytest.approx(0.1))
    assert second.text == "1?"


def test_read_strip_says_when_the_length_changed_it():
    outputs = outputs_of([{"1": 1}, {"_": 0.9, "8": 0.1}, {"2": 1}])

    free, same, longer = (read_strip(outputs, one) for one in (None, Lengths(2, 3), Lengths(3, 3)))

    assert (free.text, free.without_length) == ("12", None)
    assert (same.text, same.without_length) == ("12", None)
    assert (longer.text, longer.without_length) == ("182", "12")
    assert longer.probability == pytest.approx(1)


def test_read_is_unsure_if_no_text_has_the_length():
    reading = read("42", lengths=Lengths(90, 90))

    assert (reading.number, reading.verdict) == ("42", "unsure")
