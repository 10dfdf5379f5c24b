"""Places of a text's characters in the outputs of the number network."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dlflask.numbers.characters import ALPHABET, BLANK, collapse
from dlflask.types import Outputs

_TINY = 1e-9


class Place(NamedTuple):
    """Output columns of one character, from `start` (included) to `stop` (excluded)."""

    start: int
    stop: int


def align(outputs: Outputs, text: str) -> list[Place]:
    """Return the place of each character of `text` on its most probable path.

    Args:
        outputs: (T, classes) probabilities; T is at least the length of `text`, and one more for
            each pair of equal neighbours in it.
        text: Characters of `ALPHABET`.

    Source: Graves et al., Connectionist Temporal Classification, ICML 2006, 4.1.
    """
    best = outputs.argmax(axis=1).tolist()
    path = best if collapse(best) == text else _best_path(outputs, text)
    places: list[Place] = []
    before = BLANK
    for column, index in enumerate(path):
        if index != BLANK and index == before:
            places[-1] = places[-1]._replace(stop=column + 1)
        elif index != BLANK:
            places.append(Place(column, column + 1))
        before = index
    return places


def _best_path(outputs: Outputs, text: str) -> list[int]:
    """Return the output index of each column on the best path that spells `text`."""
    states = [BLANK]
    for character in text:
        states += [1 + ALPHABET.index(character), BLANK]
    scores = np.log(outputs[:, states] + _TINY)
    # A path may skip a state if that is the blank between two different characters.
    can_skip = np.array([i >= 2 and s not in (BLANK, states[i - 2]) for i, s in enumerate(states)])
    total = np.full(len(states), -np.inf)
    total[:2] = scores[0, :2]
    steps = np.zeros(scores.shape, np.int8)
    for column in range(1, len(scores)):
        one = np.concatenate(([-np.inf], total[:-1]))
        two = np.where(can_skip, np.concatenate(([-np.inf, -np.inf], total[:-2])), -np.inf)
        options = np.stack([total, one, two])[:, : len(states)]
        steps[column] = options.argmax(axis=0)
        total = options.max(axis=0) + scores[column]
    state = len(states) - 1 if total[-1] >= total[-2:].max() else len(states) - 2
    path = []
    for column in range(len(scores) - 1, -1, -1):
        path.append(states[state])
        state -= int(steps[column, state])
    return path[::-1]
