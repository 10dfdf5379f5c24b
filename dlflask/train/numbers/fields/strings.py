"""Random numbers as people write them, such as codes, amounts and readings of meters."""

from __future__ import annotations

import numpy as np

#: Shares of numbers with 1, 2, 3 and more digits.
_LENGTHS = np.array([8, 14, 16, 14, 11, 9, 6, 6, 4, 6, 3, 3], float)
_LENGTHS /= _LENGTHS.sum()

#: Maximum number of characters in a field.
MAX_CHARACTERS = 14

#: Signs that people write after an amount without decimals.
_ENDINGS = (".", ",", ".-", ",-", "-", "--", ".--")


def draw_number(rng: np.random.Generator) -> str:
    """Return a random number of 1 to `MAX_CHARACTERS` characters."""
    digits = _digits(int(rng.choice(len(_LENGTHS), p=_LENGTHS)) + 1, rng)
    kind = rng.random()
    if kind < 0.58:
        number = digits
    elif kind < 0.84:
        number = _with_decimals(digits, rng)
    elif kind < 0.94:
        number = _with_thousands(digits, rng)
    else:
        number = digits[:6] + _ENDINGS[rng.integers(len(_ENDINGS))]
    if rng.random() < 0.03:
        number = "-" + number
    return number[:MAX_CHARACTERS].rstrip("-") if len(number) > MAX_CHARACTERS else number


def _digits(length: int, rng: np.random.Generator) -> str:
    """Return random digits, some of them with repetitions or with many zeros."""
    kind = rng.random()
    if kind < 0.6:
        digits = rng.integers(0, 10, length)
    elif kind < 0.75:  # such as 55667755 or 454545
        few = rng.integers(0, 10, int(rng.integers(1, 4)))
        digits = np.resize(np.repeat(few, rng.integers(1, 3)), length)
    elif kind < 0.9:  # such as 12300 or 0070
        digits = rng.integers(0, 10, length) * (rng.random(length) < 0.6)
    else:
        digits = rng.choice([1, 4, 7, 9, 0], length)
    return "".join(map(str, digits))


def _with_decimals(digits: str, rng: np.random.Generator) -> str:
    digits = digits[:7]
    decimals = min(int(rng.choice([1, 2, 3], p=[0.45, 0.45, 0.1])), max(1, len(digits) - 1))
    if len(digits) == 1:
        digits = "0" + digits
    separator = "." if rng.random() < 0.5 else ","
    return digits[:-decimals] + separator + digits[-decimals:]


def _with_thousands(digits: str, rng: np.random.Generator) -> str:
    zeros = int(rng.choice([0, 1, 2, 3], p=[0.5, 0.1, 0.2, 0.2]))  # prices often end in zeros
    value = int("1" + digits[1:7].ljust(3, "0"))
    number = f"{value - value % 10**zeros:,}"
    number = str(rng.integers(1, 10)) + number[1:]
    return number if rng.random() < 0.5 else number.replace(",", ".")
