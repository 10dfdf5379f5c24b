"""Prediction for one image: probabilities of the ten digits, the verdict, and their JSON."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlflask.digits.thresholds import DEFAULT_THRESHOLDS, NOT_A_DIGIT, Thresholds

#: Minimum probability of a candidate, divided by the highest probability. A candidate is a digit
#: that the image may show.
MIN_CANDIDATE = 0.2

#: Template of the response of `POST /predictlabel`, with `%s` for the label and each probability.
_PAIRS = ",".join(f'{{"label":"{label}","probability":"%s"}}' for label in range(NOT_A_DIGIT))
_RESPONSE = f'{{"most_probable_label":"%s","predictions":[{_PAIRS}],"success":true}}'


@dataclass(frozen=True, eq=False)
class Prediction:
    """Outputs of the network for one image.

    Attributes:
        outputs: (10,) or (11,) float32, probabilities that sum to 1. The first ten belong to the
            digits 0 to 9. The eleventh is the probability that the image shows no digit.
        thresholds: Thresholds of the verdict.
    """

    outputs: NDArray[np.float32]
    thresholds: Thresholds = DEFAULT_THRESHOLDS

    @cached_property
    def probabilities(self) -> NDArray[np.float32]:
        """Probabilities of the digits, assuming that the image shows one: (10,) float32, sum 1."""
        digits = self.outputs[:NOT_A_DIGIT]
        if len(self.outputs) == NOT_A_DIGIT:
            return digits
        total = digits.sum()
        # If the network is certain that the image shows no digit, it may return exactly 0 for all
        # digits. Return equal probabilities then.
        return digits / total if total > 0 else np.full_like(digits, 1 / NOT_A_DIGIT)

    @property
    def label(self) -> int:
        """Most probable digit, 0..9."""
        return self._best[0]

    @property
    def confidence(self) -> float:
        """Probability of `label`, 0..1."""
        return self._best[1]

    @cached_property
    def _best(self) -> tuple[int, float]:
        """Label and confidence. For ten numbers, Python's `max` is faster than NumPy's."""
        values = self.probabilities.tolist()
        confidence = max(values)
        return values.index(confidence), confidence

    @property
    def not_a_digit(self) -> float:
        """Probability that the image shows no digit, 0..1. It is 0 if there are ten outputs."""
        return float(self.outputs[NOT_A_DIGIT:].sum())

    @property
    def verdict(self) -> str:
        """`digit`, `unsure` or `not_a_digit`."""
        return self.thresholds.decide(self.outputs.tolist())

    @property
    def candidates(self) -> list[int]:
        """Digits with at least `MIN_CANDIDATE` times the highest probability, best first."""
        order = np.argsort(-self.probabilities, kind="stable")
        minimum = MIN_CANDIDATE * self.confidence
        return [int(label) for label in order if self.probabilities[label] >= minimum]

    def to_wire(self) -> dict[str, Any]:
        """Return the response of `POST /predictlabel`, with labels and probabilities as strings.

        Each string is the shortest decimal that parses to the same float32.
        """
        return {
            "most_probable_label": str(self.label),
            "predictions": [
                {"label": str(label), "probability": str(probability)}
                for label, probability in enumerate(self.probabilities)
            ],
            "success": True,
        }

    def to_json(self) -> str:
        """Return `to_wire` as compact JSON, by a template: 10 µs instead of 40 µs by `json`."""
        return _RESPONSE % (self.label, *self.probabilities)
