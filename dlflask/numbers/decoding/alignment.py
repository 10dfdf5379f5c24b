"""Find the columns of the number network's outputs that belong to each character of a text."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dlflask.numbers.characters import ALPHABET, BLANK, collapse
from dlflask.types import Outputs

#: Number that is added to each probability, because the logarithm of 0 is infinite.
_TINY = 1e-9


class Place(NamedTuple):
    """Output columns of one character, from `start` (included) to `stop` (excluded)."""

    start: int
    stop: int


def align(outputs: Outputs, text: str) -> list[Place]:
    """Return the place of each character of `text` on the most probable path that spells `text`.

    A path names one output index (of a character or of blank) for each column.

    Args:
        outputs: (T, classes) probabilities. T must be at least the length of `text` plus the number
            of pairs of equal neighbours in `text`, because a blank separates equal neighbours.
        text: Characters of `ALPHABET`.

    Source: Graves et al., Connectionist Temporal Classification, ICML 2006, section 4.1.
    """
    # The most probable output in each column is fast to find. If the path of these outputs spells
    # `text`, no other path is more probable.
    greedy_path = outputs.argmax(axis=1).tolist()
    path = greedy_path if collapse(greedy_path) == text else _best_path(outputs, text)
    places: list[Place] = []
    previous = BLANK
    for column, index in enumerate(path):
        if index != BLANK and index == previous:
            places[-1] = places[-1]._replace(stop=column + 1)
        elif index != BLANK:
            places.append(Place(column, column + 1))
        previous = index
    return places


def _best_path(outputs: Outputs, text: str) -> list[int]:
    """Return the most probable path that spells `text`: one output index for each column."""
    # The states are the characters of `text`, with a blank before, between and after them. In each
    # column, a path stays in its state or goes on by one or two states.
    states = [BLANK]
    for character in text:
        states += [1 + ALPHABET.index(character), BLANK]
    scores = np.log(outputs[:, states] + _TINY)
    # A path may go on by two states to skip the blank between two different characters.
    can_skip = np.array([i >= 2 and s not in (BLANK, states[i - 2]) for i, s in enumerate(states)])
    total = np.full(len(states), -np.inf)
    total[:2] = scores[0, :2]
    steps = np.zeros(scores.shape, np.int8)
    for column in range(1, len(scores)):
        one_step = np.concatenate(([-np.inf], total[:-1]))
        two_steps = np.where(can_skip, np.concatenate(([-np.inf, -np.inf], total[:-2])), -np.inf)
        options = np.stack([total, one_step, two_steps])[:, : len(states)]
        steps[column] = options.argmax(axis=0)
        total = options.max(axis=0) + scores[column]
    # A path ends with the last blank or with the last character.
    state = len(states) - 1 if total[-1] >= total[-2:].max() else len(states) - 2
    path = []
    for column in range(len(scores) - 1, -1, -1):
        path.append(states[state])
        state -= int(steps[column, state])
    return path[::-1]
