import numpy as np

from dlflask.numbers.decoding.alignment import align
from tests.numbers.decoding.test_prefix_search import outputs_of


def test_align_follows_the_most_probable_path():
    outputs = outputs_of([{"_": 1}, {"1": 1}, {"1": 1}, {"_": 1}, {"8": 1}])

    assert align(outputs, "18") == [(1, 3), (4, 5)]


def test_align_of_a_text_beside_the_most_probable_path():
    outputs = outputs_of([{"1": 1}, {"_": 0.99, "8": 0.01}, {"2": 1}])

    assert align(outputs, "182") == [(0, 1), (1, 2), (2, 3)]


def test_align_separates_repeated_characters():
    outputs = outputs_of([{"5": 1}, {"_": 0.4, "5": 0.6}, {"5": 1}])

    assert align(outputs, "55") == [(0, 1), (2, 3)]


def test_align_of_an_empty_text():
    assert align(np.eye(15, dtype=np.float32)[[0, 0]], "") == []
