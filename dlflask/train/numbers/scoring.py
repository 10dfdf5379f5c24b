"""Scores of a number network on strips, which are images of lines of characters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from dlflask.evaluate.numbers.report import edit_distance
from dlflask.numbers.characters import ALPHABET, BLANK, UNREADABLE, collapse
from dlflask.train.numbers.model_card import NumberScore
from dlflask.train.numbers.shards import Shard

#: Indices of the outputs for the ten digits.
_DIGITS = [1 + ALPHABET.index(digit) for digit in "0123456789"]


def predict(model: keras.Model, strips: Any, batch_size: int = 64) -> NDArray[np.float32]:
    """Return the (N, columns, classes) outputs for (N, 32, W) uint8 strips."""
    values = np.asarray(strips, np.float32)[..., None] / np.float32(255)
    outputs: NDArray[np.float32] = model.predict(values, batch_size=batch_size, verbose=0)
    return outputs


def read(outputs: NDArray[np.float32], *, digits_only: bool = False) -> str:
    """Return the text of the most probable class in each column of (columns, classes) outputs.

    Repetitions are merged, and blanks are removed. With `digits_only`, only digits are read.
    """
    if digits_only:
        outputs = outputs[:, [BLANK, *_DIGITS]]
    return collapse(outputs.argmax(axis=1).tolist())


def score(readings: list[tuple[str, NDArray[np.float32]]]) -> NumberScore:
    """Compute the scores from pairs of a true number and the outputs for its strip."""
    whole, digits, digits_only, edits, characters = 0, 0, 0, 0, 0
    for number, outputs in readings:
        text = read(outputs)
        true_digits = keep_digits(number)
        whole += text == number
        digits += keep_digits(text) == true_digits
        digits_only += read(outputs, digits_only=True) == true_digits
        edits += edit_distance(text, number)
        characters += len(number)
    count = max(1, len(readings))
    return NumberScore(
        len(readings),
        whole / count,
        digits / count,
        digits_only / count,
        edits / max(1, characters),
    )


def score_shard(model: keras.Model, shard: Shard) -> NumberScore:
    """Score the model on drawn fields."""
    return score(list(_readings(model, shard)))


def _readings(model: keras.Model, shard: Shard) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for strips, labels in zip(shard.strips, shard.labels, strict=True):
        outputs = predict(model, strips)
        for label, row in zip(labels, outputs, strict=True):
            yield "".join(ALPHABET[index - 1] for index in label if index != BLANK), row


def keep_digits(text: str) -> str:
    """Return `text` without its separators: only digits and `UNREADABLE` are left."""
    return "".join(each for each in text if each.isdigit() or each == UNREADABLE)
