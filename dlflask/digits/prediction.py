"""Prediction for one image: probabilities of the ten digits, the verdict, and their JSON."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlflask.digits.thresholds import DEFAULT_THRESHOLDS, NOT_A_DIGIT, Thresholds

#: Minimum probability of a candidate, relative to the most probable digit.
CANDIDATE = 0.2

_PAIRS = ",".join(f'{{"label":"{label}","probability":"%s"}}' for label in range(NOT_A_DIGIT))
_RESPONSE = f'{{"most_probable_label":"%s","predictions":[{_PAIRS}],"success":true}}'


@dataclass(frozen=True, eq=False)
class Prediction:
    """Outputs of the network for one image.

    Attributes:
        outputs: Probabilities that sum to 1: (10,) float32, of the digits 0 to 9, or (11,) with the
            probability of no digit as the last.
        thresholds: Thresholds of the verdict.
    """

    outputs: NDArray[np.float32]
    thresholds: Thresholds = DEFAULT_THRESHOLDS

    @cached_property
    def probabilities(self) -> NDArray[np.float32]:
        """Probability of each digit, given that the image shows one: (10,) float32, sum 1."""
        digits = self.outputs[:NOT_A_DIGIT]
        if len(self.outputs) == NOT_A_DIGIT:
            return digits
        total = digits.sum()
        # If "not a digit" is certain, all digits round to exactly 0 in float32.
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
        """Label and confidence. Python compares ten numbers faster than NumPy does."""
        values = self.probabilities.tolist()
        confidence = max(values)
        return values.index(confidence), confidence

    @property
    def not_a_digit(self) -> float:
        """Probability that the image shows no digit, 0..1; 0 for a model of ten outputs."""
        return float(self.outputs[NOT_A_DIGIT:].sum())

    @property
    def verdict(self) -> str:
        """`digit`, `unsure` or `not_a_digit`."""
        return self.thresholds.decide(self.outputs.tolist())

    @property
    def candidates(self) -> list[int]:
        """Digits of at least `CANDIDATE` times the highest probability, most probable first."""
        order = np.argsort(-self.probabilities, kind="stable")
        least = CANDIDATE * self.confidence
        return [int(label) for label in order if self.probabilities[label] >= least]

    def to_wire(self) -> dict[str, Any]:
        """Return the response of `POST /predictlabel`, in which all values are strings.

        A probability is the shortest decimal that parses to the same float32.
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
        """Return `to_wire` as compact JSON, from a template: 10 µs instead of 40 with `json`."""
        return _RESPONSE % (self.label, *self.probabilities)
