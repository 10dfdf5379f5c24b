"""Number of digits that a caller expects in a number: `5`, or a range such as `4-6`."""

from __future__ import annotations

import re
from typing import NamedTuple

from dlflask.errors import InvalidLength

#: Maximum number of digits that a caller may expect in a number.
MAX_DIGITS = 100

_LENGTH = re.compile(r"([1-9][0-9]{0,2})(?:-([1-9][0-9]{0,2}))?", re.ASCII)


class Lengths(NamedTuple):
    """Minimum and maximum number of digits. Separators and signs are not counted."""

    fewest: int
    most: int

    def __str__(self) -> str:
        return str(self.fewest) if self.fewest == self.most else f"{self.fewest}-{self.most}"


def parse_lengths(text: str) -> Lengths:
    """Parse a number of digits such as `5`, or a range such as `4-6`.

    Raises:
        InvalidLength: The text has another form, a number is not in 1..`MAX_DIGITS`, or the range
            begins with its larger number.
    """
    match = _LENGTH.fullmatch(text)
    fewest = int(match[1]) if match else 0
    most = int(match[2] or fewest) if match else 0
    if not 1 <= fewest <= most <= MAX_DIGITS:
        raise InvalidLength(
            f"The length is {text[:20]!r}; expected a number of digits such as 5, or a range such "
            f"as 4-6. A length must be from 1 to {MAX_DIGITS}, and a range must begin with its "
            "smaller length. Leave `length` out if you do not know the number of digits."
        )
    return Lengths(fewest, most)
