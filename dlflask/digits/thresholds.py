"""What the network says of a picture in, `digit`, `unsure` or `not_a_digit` out."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dlflask.errors import ModelError

Probabilities = NDArray[np.float32]

#: The digits stand in the columns before this one; a model that has it says here "no digit".
NOT_A_DIGIT = 10

#: In the order in which reports list them.
VERDICTS = ("digit", "unsure", "not_a_digit")

_UNREADABLE = "The thresholds stored in the model cannot be read ({}). Run `make train` again."


@dataclass(frozen=True)
class Thresholds:
    """When a picture is called what; chosen on development pictures, stored with the model.

    Attributes:
        unsure_below: A picture is a `digit` from this probability of the most probable digit on,
            before the ten are normalised.
        not_a_digit_above: Any other picture is `not_a_digit` above this probability of being none.
        temperature: What the logits were divided by; kept to be read, already in the weights.
        chosen_on: In words.
    """

    unsure_below: float
    not_a_digit_above: float
    temperature: float
    chosen_on: str

    def decide_batch(self, probabilities: Probabilities) -> NDArray[np.str_]:
        """One of `VERDICTS` for each row of (N, 10) or (N, 11) probabilities."""
        is_digit = probabilities[:, :NOT_A_DIGIT].max(axis=1) >= self.unsure_below
        # No eleventh column, no `not_a_digit`: the sum over none is 0.
        is_none = probabilities[:, NOT_A_DIGIT:].sum(axis=1) > self.not_a_digit_above
        return np.where(is_digit, "digit", np.where(is_none, "not_a_digit", "unsure"))

    def decide(self, outputs: Sequence[float]) -> str:
        """The same for one row of float32 values as a list: 1 µs instead of 7."""
        if max(outputs[:NOT_A_DIGIT]) >= self._levels[0]:
            return "digit"
        return "not_a_digit" if sum(outputs[NOT_A_DIGIT:]) > self._levels[1] else "unsure"

    @cached_property
    def _levels(self) -> tuple[float, float]:
        """NumPy compares with a threshold rounded to float32; so does `decide`."""
        return float(np.float32(self.unsure_below)), float(np.float32(self.not_a_digit_above))

    def to_json(self) -> str:
        """The form stored in the model file."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Thresholds:
        """Read the text that `to_json` wrote.

        Raises:
            ModelError: The text is not JSON of these fields, or a value has a wrong type or range.
        """
        try:
            thresholds = cls(**json.loads(text))
        except (ValueError, TypeError, RecursionError) as error:
            raise ModelError(_UNREADABLE.format(error)) from error
        if not thresholds._is_valid():
            raise ModelError(
                _UNREADABLE.format(
                    f"received {asdict(thresholds)}; expected numbers in 0..1, a temperature "
                    "above 0 and a text"
                )
            )
        return thresholds

    def _is_valid(self) -> bool:
        numbers = (self.unsure_below, self.not_a_digit_above, self.temperature)
        return (
            # JSON's true and false are numbers to Python.
            all(isinstance(each, int | float) and not isinstance(each, bool) for each in numbers)
            and 0 <= self.unsure_below <= 1
            and 0 <= self.not_a_digit_above <= 1
            and 0 < self.temperature < math.inf
            and isinstance(self.chosen_on, str)
        )


#: For a model without thresholds of its own. At an even chance the most probable digit is more
#: likely right than wrong, if the model's confidence means what it says.
DEFAULT_THRESHOLDS = Thresholds(
    unsure_below=0.5, not_a_digit_above=0.5, temperature=1.0, chosen_on="nothing: the default"
)
