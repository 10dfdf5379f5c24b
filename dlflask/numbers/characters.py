"""Characters of the number network, in the order of its outputs.

The network is trained with connectionist temporal classification (CTC): each column of its output
stands for a character or for blank. Blank fills the columns between characters. A blank between two
equal characters shows that they are two characters, not one wide character.

Source: Graves et al., Connectionist Temporal Classification, ICML 2006.
"""

from __future__ import annotations

from dataclasses import dataclass

from dlflask.stored_settings import StoredSettings

#: Index of the output for blank. Keras's CTC loss expects blank at index 0.
BLANK = 0

DIGIT_CHARACTERS = "0123456789"

#: Characters that people write in numbers. Character i has the output i + 1, because output 0 is
#: the output for blank.
CHARACTERS = DIGIT_CHARACTERS + ".,-"

#: Text for a mark on paper that is not one of `CHARACTERS`: a letter, a blot, a digit that was
#: crossed out.
UNREADABLE = "?"

#: All characters that the network can name. Blank is not included.
ALPHABET = CHARACTERS + UNREADABLE

#: Number of outputs in each column: one for blank, and one for each character of `ALPHABET`.
NUM_CLASSES = 1 + len(ALPHABET)


@dataclass(frozen=True)
class NumberNetwork(StoredSettings):
    """Description of a number network, stored in the model file of the network.

    Attributes:
        alphabet: Characters of outputs 1, 2, ... The last character stands for unreadable marks.
        blank: Index of the output for blank.
        height: Height of the input in pixels.
        stride: Number of input columns for each output column.
        preprocessing: `STRIP_PREPROCESSING` of the training images.
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


def collapse(path: list[int]) -> str:
    """Return the text of a path, which is a list with one output index for each column.

    Neighbouring columns with the same index count as one character, and blanks are left out.
    """
    kept = [
        index
        for previous, index in zip([BLANK, *path], path, strict=False)
        if index not in (previous, BLANK)
    ]
    return "".join(ALPHABET[index - 1] for index in kept)
