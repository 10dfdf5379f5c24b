"""Ten probabilities, and the form they take on the wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the network says of one picture.

    Attributes:
        probabilities: (10,) float32, of the digits 0..9 in order, summing to 1.
    """

    probabilities: NDArray[np.float32]

    @property
    def label(self) -> int:
        """The most probable digit, 0..9."""
        return int(self.probabilities.argmax())

    @property
    def confidence(self) -> float:
        """The probability of `label`, 0..1."""
        return float(self.probabilities.max())

    def to_wire(self) -> dict[str, Any]:
        """The answer of `POST /predictlabel`: labels and probabilities are strings.

        A probability is written as the shortest decimal that reads back to the same float32.
        """
        return {
            "most_probable_label": str(self.label),
            "predictions": [
                {"label": str(label), "probability": str(probability)}
                for label, probability in enumerate(self.probabilities)
            ],
            "success": True,
        }
