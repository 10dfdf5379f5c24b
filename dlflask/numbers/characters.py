"""Characters of the number network, in the order of its outputs.

The network is trained with connectionist temporal classification (CTC): in each column of its
output it names one character, or blank between characters.

Source: Graves et al., Connectionist Temporal Classification, ICML 2006.
"""

from __future__ import annotations

from dataclasses import dataclass

from dlflask.stored_settings import StoredSettings

#: Index of blank. Keras's CTC loss expects 0.
BLANK = 0

DIGIT_CHARACTERS = "0123456789"

#: Characters that people write in numbers; output i + 1 is the probability of character i.
CHARACTERS = DIGIT_CHARACTERS + ".,-"

#: Stands for a mark that is not one of `CHARACTERS`: a letter, a blot, a digit that was crossed
#: out.
UNREADABLE = "?"

#: All characters that the network names, without blank.
ALPHABET = CHARACTERS + UNREADABLE

#: Number of outputs in each column: blank and `ALPHABET`.
NUM_CLASSES = 1 + len(ALPHABET)


@dataclass(frozen=True)
class NumberNetwork(StoredSettings):
    """Description of a number network, stored with it in the model file.

    Attributes:
        alphabet: Characters of outputs 1, 2, ...; the last one means unreadable.
        blank: Index of the output for blank.
        height: Height of the input in pixels.
        stride: Columns of the input for each column of the output.
        preprocessing: Version of `normalization` that made the training images.
    """

    TITLE = "The description of the number network"
    COMMAND = "python -m dlflask.train numbers"

    alphabet: str
    blank: int
    height: int
    stride: int
    preprocessing: str


def encode(number: str) -> list[int]:
    """Return the output index of each character of `number`."""
    return [1 + ALPHABET.index(character) for character in number]


def collapse(columns: list[int]) -> str:
    """Return the characters that a path of output indices spells, without repeats and blanks."""
    kept = [
        index
        for before, index in zip([BLANK, *columns], columns, strict=False)
        if index not in (before, BLANK)
    ]
    return "".join(ALPHABET[index - 1] for index in kept)
