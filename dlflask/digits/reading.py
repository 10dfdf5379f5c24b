"""One picture's way through the line of data, with what was seen and how long each stage took."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from dlflask.digits.normalization import Tensor, to_mnist
from dlflask.digits.prediction import Prediction
from dlflask.digits.provenance import Runs, receipt
from dlflask.imaging.decode import decode_image


class ReadsDigits(Runs, Protocol):
    """What the views need of a classifier."""

    @property
    def is_ready(self) -> bool:
        """Whether predictions can be made now."""

    def warm_up(self) -> None:
        """Be ready for the first prediction; raise ModelError where the self-test fails."""

    def predict(self, tensor: Tensor) -> Prediction:
        """Classify one (28, 28) float32 tensor."""

    def predict_many(self, tensors: Sequence[Tensor]) -> list[Prediction]:
        """Classify (28, 28) float32 tensors in one forward pass, in the order given."""

    def explain(self, tensor: Tensor, prediction: Prediction) -> Tensor:
        """Where the ink is that the prediction rests on, (28, 28) float32 in 0..1."""


@dataclass(frozen=True)
class Reading:
    """A prediction, the picture and tensor it was made from, and each stage's milliseconds."""

    prediction: Prediction
    upload: bytes
    tensor: Tensor
    milliseconds: dict[str, float] = field(default_factory=dict)

    def details(self, classifier: ReadsDigits) -> dict[str, Any]:
        """The `details` of an answer: what the network saw, and what its answer rests on.

        `input` and `saliency` are 28 rows of 28 integers, 0..255.
        """
        started = time.perf_counter()
        saliency = classifier.explain(self.tensor, self.prediction)
        explained = {"explain": milliseconds_between(started, time.perf_counter())}
        return {
            "verdict": self.prediction.verdict,
            "confidence": round(self.prediction.confidence, 4),
            "candidates": self.prediction.candidates,
            "not_a_digit": round(self.prediction.not_a_digit, 4),
            "input": _to_bytes(self.tensor),
            "saliency": _to_bytes(saliency),
            "model_sha256": classifier.sha256,
            "receipt": receipt(self.upload, self.tensor, classifier),
            "milliseconds": self.milliseconds | explained,
        }


def read_digit(upload: bytes, classifier: ReadsDigits) -> Reading:
    """The one line of data: decode, place, predict.

    Raises:
        ImageError: The upload holds no picture of a digit.
    """
    started = time.perf_counter()
    ink = decode_image(upload)
    decoded = time.perf_counter()
    tensor = to_mnist(ink)
    placed = time.perf_counter()
    prediction = classifier.predict(tensor)
    predicted = time.perf_counter()
    milliseconds = {
        "decode": milliseconds_between(started, decoded),
        "place": milliseconds_between(decoded, placed),
        "predict": milliseconds_between(placed, predicted),
    }
    return Reading(prediction, upload, tensor, milliseconds)


def milliseconds_between(start: float, end: float) -> float:
    """The milliseconds between two readings of `time.perf_counter`."""
    return round((end - start) * 1e3, 3)


def _to_bytes(values: Tensor) -> list[list[int]]:
    rows: list[list[int]] = np.rint(values * 255).astype(int).tolist()
    return rows
