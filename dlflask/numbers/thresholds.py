"""Verdict on a line, `number`, `unsure` or `no_number`, from the results of both readers."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

from dlflask.errors import ModelError

#: Verdicts, in the order of the reports.
VERDICTS = ("number", "unsure", "no_number")

_UNREADABLE = (
    "The thresholds stored in the number model cannot be read ({}). Run `python -m dlflask.train "
    "numbers` again."
)


@dataclass(frozen=True)
class Thresholds:
    """Weights of a logistic regression for the probability that a line is read right.

    Attributes:
        bias: Constant term.
        strip: Weight of the logarithm of the number network's probability of its text.
        digits: Weight of the sum of the logarithms of the digit network's probabilities.
        weakest: Weight of the logarithm of the least of these.
        agreement: Added if both readers read the same digits.
        number_from: Least probability for `number`, 0..1.
        no_number_below: Probability below which a line is `no_number` if the digit network sees
            other marks than digits, 0..1.
        chosen_on: Description of the images on which these were chosen.
    """

    bias: float
    strip: float
    digits: float
    weakest: float
    agreement: float
    number_from: float
    no_number_below: float
    chosen_on: str

    def probability(self, strip: float, digits: list[float], *, agree: bool) -> float:
        """Return the probability that a line is read right, 0..1.

        Args:
            strip: Probability of the text by the number network.
            digits: Probability of each of its digits by the digit network.
            agree: True if these are its most probable digits.
        """
        logs = [_log(each) for each in digits] or [_log(0)]
        score = (
            self.bias
            + self.strip * _log(strip)
            + self.digits * sum(logs)
            + self.weakest * min(logs)
            + self.agreement * agree
        )
        return 1 / (1 + math.exp(-score))

    def to_json(self) -> str:
        """Return the JSON text that is stored in the model file."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Thresholds:
        """Parse the text that `to_json` returned.

        Raises:
            ModelError: The text is not JSON of these fields, or a value has a wrong type.
        """
        try:
            thresholds = cls(**json.loads(text))
        except (ValueError, TypeError, RecursionError) as error:
            raise ModelError(_UNREADABLE.format(error)) from error
        *numbers, chosen_on = asdict(thresholds).values()
        if not isinstance(chosen_on, str) or not all(
            isinstance(each, int | float) and not isinstance(each, bool) and math.isfinite(each)
            for each in numbers
        ):
            raise ModelError(
                _UNREADABLE.format(f"received {text[:200]}; expected numbers and a text")
            )
        return thresholds


def _log(probability: float) -> float:
    return math.log(max(probability, 1e-4))


#: Thresholds of a model without its own.
DEFAULT_THRESHOLDS = Thresholds(
    bias=0.5,
    strip=1.5,
    digits=0.3,
    weakest=0.3,
    agreement=3.0,
    number_from=0.9,
    no_number_below=0.5,
    chosen_on="nothing: the default",
)
