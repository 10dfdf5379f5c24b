"""Find the most probable texts in the outputs of the number network by prefix beam search.

A path names one output (a character or blank) for each column. The probability of a text is the sum
of the probabilities of all paths that spell this text. If the caller knows the number of digits,
the search keeps, for each number of digits, the best prefixes (beginnings of texts) with so many
digits. Thus it finds the best text of the right length even if a longer or shorter text is more
probable.

Source: Hannun et al., First-Pass Large Vocabulary Continuous Speech Recognition using
Bi-Directional Recurrent DNNs, 2014, algorithm 1.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from dlflask.numbers.characters import ALPHABET, BLANK, DIGIT_CHARACTERS, UNREADABLE
from dlflask.numbers.decoding.lengths import Lengths
from dlflask.types import Outputs

#: Maximum number of prefixes that are kept after each column. If the caller knows the number of
#: digits, `BEAM_OF_LENGTH` prefixes of each number of digits are kept instead of `BEAM` in total.
BEAM, BEAM_OF_LENGTH = 12, 4

#: Minimum probability of a character in a column. Less probable characters are ignored there. The
#: lower minimum applies if the caller knows the number of digits, because the best text of the
#: right length may be improbable.
LEAST, LEAST_RESTRICTED = 1e-3, 1e-5

#: Minimum probability of a prefix, relative to the most probable prefix. Less probable prefixes are
#: dropped if any number of digits is possible.
LEAST_PREFIX = 1e-5

#: If blank has at least this probability in a column, characters are ignored there, to save time.
SURE_BLANK = 0.9995


class Hypothesis(NamedTuple):
    """A text, with `?` for each unreadable mark, and its probability, 0..1."""

    text: str
    probability: float


def search(
    outputs: Outputs, lengths: Lengths | None = None, characters: str = ALPHABET
) -> list[Hypothesis]:
    """Return the most probable texts, best first.

    The list is empty only if `lengths` is given and the search found no text of these lengths.

    Args:
        outputs: (T, classes) probabilities of each column.
        lengths: Possible numbers of digits; None for any. If lengths are given, texts with
            unreadable marks are excluded.
        characters: Characters that may occur in a text.
    """
    excluded = UNREADABLE if lengths else ""
    allowed = [(1 + ALPHABET.index(one), one) for one in characters if one not in excluded]
    minimum = LEAST_RESTRICTED if lengths else LEAST
    beam: dict[str, tuple[float, float]] = {"": (1.0, 0.0)}
    blanks = 1.0  # product of the probabilities of blank in columns where characters are ignored
    for row in outputs.tolist():
        if row[BLANK] >= SURE_BLANK:
            blanks *= row[BLANK]
            beam = {text: (ends + other, 0.0) for text, (ends, other) in beam.items()}
        else:
            likely = [(one, row[i]) for i, one in allowed if row[i] >= minimum]
            beam = _prune(_extend(beam, row[BLANK], likely), lengths)
    found = [Hypothesis(text, (ends + other) * blanks) for text, (ends, other) in beam.items()]
    if lengths:
        found = [one for one in found if lengths.fewest <= count_digits(one.text) <= lengths.most]
    return sorted(found, key=lambda one: -one.probability)


def count_digits(text: str) -> int:
    """Return the number of digits in `text`."""
    return sum(character in DIGIT_CHARACTERS for character in text)


def _extend(
    beam: dict[str, tuple[float, float]], blank: float, characters: list[tuple[str, float]]
) -> dict[str, tuple[float, float]]:
    """Extend each prefix by one column.

    `beam` and the result map each prefix to two probabilities: that of its paths that end with
    blank, and that of its other paths.
    """
    blanks: dict[str, float] = defaultdict(float)
    others: dict[str, float] = defaultdict(float)
    for text, (ends, other) in beam.items():
        total = ends + other
        blanks[text] += total * blank
        last = text[-1:]
        for character, probability in characters:
            if character == last:
                # Equal characters are one character if there is no blank between them.
                others[text] += other * probability
                others[text + character] += ends * probability
            else:
                others[text + character] += total * probability
    return {text: (blanks[text], others[text]) for text in {**blanks, **others}}


def _prune(
    beam: dict[str, tuple[float, float]], lengths: Lengths | None
) -> dict[str, tuple[float, float]]:
    """Return only the most probable prefixes of `beam`."""
    if lengths is None:
        minimum = LEAST_PREFIX * max(blank + other for blank, other in beam.values())
        beam = {text: pair for text, pair in beam.items() if pair[0] + pair[1] >= minimum}
    if len(beam) <= (BEAM_OF_LENGTH if lengths else BEAM):
        return beam
    ordered = sorted(beam.items(), key=lambda item: -sum(item[1]))
    if lengths is None:
        return dict(ordered[:BEAM])
    kept: dict[str, tuple[float, float]] = {}
    kept_by_digits: dict[int, int] = defaultdict(int)
    for text, probabilities in ordered:
        digits = count_digits(text)
        if digits <= lengths.most and kept_by_digits[digits] < BEAM_OF_LENGTH:
            kept_by_digits[digits] += 1
            kept[text] = probabilities
    return kept
