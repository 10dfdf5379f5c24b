from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlflask.numbers.characters import ALPHABET, NUM_CLASSES, collapse
from dlflask.numbers.decoding.lengths import Lengths
from dlflask.numbers.decoding.prefix_search import count_digits, search


def outputs_of(columns):
    """Return (T, classes) from a mapping of characters to probabilities for each column."""
    outputs = np.zeros((len(columns), NUM_CLASSES), np.float32)
    for row, column in zip(outputs, columns, strict=True):
        for character, probability in column.items():
            row[0 if character == "_" else 1 + ALPHABET.index(character)] = probability
    return outputs


def exact(outputs):
    """Return the probability of every text, by all paths."""
    texts = {}
    used = np.flatnonzero(outputs.any(axis=0)).tolist()
    for path in product(used, repeat=len(outputs)):
        text = collapse(list(path))
        texts[text] = texts.get(text, 0) + outputs[np.arange(len(outputs)), list(path)].prod()
    return texts


@given(st.integers(0, 10_000))
def test_search_gives_exact_probabilities_of_short_outputs(seed):
    outputs = np.zeros((4, NUM_CLASSES))
    outputs[:, [0, 1, 5]] = np.random.default_rng(seed).dirichlet(np.ones(3), 4)

    found = search(outputs)

    texts = exact(outputs)
    assert found[0].probability == pytest.approx(max(texts.values()), rel=0.02)
    for text, probability in found:
        assert probability <= texts[text] * 1.001


def test_search_sums_the_paths_of_a_text():
    # On the most probable path both columns are blank; more paths spell 7.
    outputs = outputs_of([{"_": 0.6, "7": 0.4}, {"_": 0.6, "7": 0.4}])

    assert collapse(outputs.argmax(axis=1).tolist()) == ""
    assert search(outputs)[0] == ("7", pytest.approx(0.64))


def test_search_ignores_characters_in_columns_that_are_surely_blank():
    column = {"1": 0.9, "_": 0.1}
    blank = {"_": 0.9996, "7": 0.0004}

    (alone, *_), (between, *_) = (
        search(outputs_of(columns)) for columns in ([column], [blank, blank, column, blank])
    )

    assert alone == ("1", pytest.approx(0.9))
    assert between == ("1", pytest.approx(0.9 * 0.9996**3))


def test_search_drops_improbable_prefixes():
    found = search(outputs_of([{"1": 0.998, "7": 0.002}, {"_": 1}] * 3))

    # A text with two 7 has 0.002 ** 2 of the probability of 111, which is less than LEAST_PREFIX.
    assert found[0].text == "111"
    assert {one.text for one in found} == {"111", "711", "171", "117"}


def test_search_repeats_need_a_blank():
    assert search(outputs_of([{"5": 1}, {"5": 1}]))[0].text == "5"
    assert search(outputs_of([{"5": 1}, {"_": 1}, {"5": 1}]))[0].text == "55"


def test_search_of_a_length_finds_a_less_probable_text():
    outputs = outputs_of([{"1": 1}, {"_": 0.99, "8": 0.01}, {"2": 1}])

    assert search(outputs)[0].text == "12"
    assert search(outputs, Lengths(3, 3))[0].text == "182"
    assert search(outputs, Lengths(2, 3))[0].text == "12"


def test_search_of_a_length_drops_a_digit():
    outputs = outputs_of([{"4": 0.9, "_": 0.1}, {"_": 1}, {"2": 0.6, "_": 0.4}])

    assert search(outputs, Lengths(1, 1))[0].text == "4"


def test_search_of_a_length_does_not_count_separators():
    outputs = outputs_of([{"1": 1}, {"_": 1}, {".": 0.9, "_": 0.1}, {"5": 1}])

    assert search(outputs, Lengths(2, 2))[0].text == "1.5"
    assert count_digits("-1.50") == 3


def test_search_of_an_impossible_length_is_empty():
    assert search(outputs_of([{"1": 1}]), Lengths(3, 4)) == []


def test_search_of_digits_only():
    outputs = outputs_of([{"1": 1}, {"_": 0.2, ",": 0.8}, {"5": 1}])

    assert search(outputs)[0].text == "1,5"
    assert search(outputs, characters="0123456789")[0].text == "15"
