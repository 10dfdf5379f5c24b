"""Recogniser of one handwritten digit.

The recogniser works on a batch in three stages: it decodes all images, then normalises all digits,
then classifies all digits. Each stage runs the same code for all images. This code stays in the
processor's caches, so a batch takes four fifths of the time that single images would take.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from dlflask.deadline import check_deadline, compute_deadline
from dlflask.digits.model_info import DescribedClassifier, describe_classifier
from dlflask.digits.normalization import place
from dlflask.digits.prediction import Prediction
from dlflask.digits.provenance import receipt
from dlflask.digits.segmentation import locate_digit
from dlflask.digits.thresholds import SEVERAL_DIGITS
from dlflask.errors import Busy, DlflaskError, ImageError, OutOfTime
from dlflask.imaging.read_ink import read_ink
from dlflask.recogniser import read
from dlflask.types import Ink, Tensor

Item = TypeVar("Item")
Output = TypeVar("Output")


class DigitClassifier(DescribedClassifier, Protocol):
    """Classifier that `DigitRecogniser` uses, such as `dlflask.digits.classifier.Classifier`."""

    @property
    def is_ready(self) -> bool:
        """True if the network is compiled and has passed its self-test."""

    def warm_up(self) -> None:
        """Compile and test the network. Raise ModelError if that fails."""

    def predict(self, tensor: Tensor) -> Prediction:
        """Classify one (28, 28) float32 tensor."""

    def predict_many(self, tensors: Sequence[Tensor]) -> list[Prediction]:
        """Classify (28, 28) float32 tensors in one forward pass, in the order given."""

    def explain(self, tensor: Tensor, prediction: Prediction) -> Tensor:
        """Return the saliency of the ink for `prediction`, (28, 28) float32 in 0..1."""


@dataclass(frozen=True)
class DigitResult:
    """Prediction for one image.

    Attributes:
        prediction: Output of the network.
        tensor: Input of the network, (28, 28) float32 in 0..1.
        upload: Bytes of the image file, empty if the client sent a tensor instead of an image.
        milliseconds: Duration of each stage, by the name of the stage.
        is_several: True if the image shows two or more digits.
    """

    prediction: Prediction
    tensor: Tensor
    upload: bytes = b""
    milliseconds: Mapping[str, float] = field(default_factory=dict)
    is_several: bool = False

    @property
    def label(self) -> str:
        """The most probable digit."""
        return str(self.prediction.label)

    @property
    def verdict(self) -> str:
        """One of `thresholds.VERDICTS`."""
        return SEVERAL_DIGITS if self.is_several else self.prediction.verdict

    @property
    def confidence(self) -> float:
        """Probability of `label`, 0..1."""
        return self.prediction.confidence


class DigitRecogniser:
    """`Recogniser` of one digit. Its methods may be called from several threads at once.

    Args:
        classifier: The network.
        samples: Image files that `setup` reads to test the recogniser.
        shows_several: Function that takes the bytes of an image file and returns True if the image
            shows two or more digits. It is called only if `Placed.is_crowded` is True. The default
            function always returns False.
    """

    def __init__(
        self,
        classifier: DigitClassifier,
        samples: Iterable[Path] = (),
        shows_several: Callable[[bytes], bool] = lambda _: False,
    ) -> None:
        self.classifier, self._shows_several = classifier, shows_several
        self._samples = tuple(samples)
        self.info = describe_classifier(classifier)

    @property
    def is_ready(self) -> bool:
        """True if the network is compiled and has passed its self-test."""
        return self.classifier.is_ready

    def setup(self) -> None:
        """Compile and test the network, then recognise every sample.

        Raises:
            DlflaskError: The network failed its test, or a sample cannot be recognised.
            OSError: A sample file cannot be read.
        """
        self.classifier.warm_up()
        for sample in self._samples:
            read(self, sample.read_bytes())

    def read_many(
        self, uploads: Sequence[bytes | DlflaskError], deadline: float | None = None
    ) -> list[DigitResult | DlflaskError]:
        """Decode all images, normalise all digits, then classify all digits.

        Returns:
            One entry for each upload: its result, or an error if the upload is an error or cannot
            be read. In the result's `milliseconds`, `predict` is the time of the forward pass
            divided by the number of digits.
        """
        limit = deadline or compute_deadline()

        def read_until_limit(upload: bytes) -> Ink:
            check_deadline(limit)
            return read_ink(upload, locate_digit)

        inks, decode_times = _apply_stage(read_until_limit, uploads)
        digits, place_times = _apply_stage(place, inks)
        readable = [digit.tensor for digit in digits if not isinstance(digit, DlflaskError)]
        predictions, predict = self._predict(readable)
        results: list[DigitResult | DlflaskError] = []
        for upload, digit, *times in zip(uploads, digits, decode_times, place_times, strict=True):
            if isinstance(digit, DlflaskError) or isinstance(upload, DlflaskError):
                results.append(digit)  # type: ignore[arg-type]  # digit is an error here
                continue
            stages = {"decode": times[0], "place": times[1], "predict": predict}
            is_several = digit.is_crowded and self._shows_several(upload)
            results.append(DigitResult(next(predictions), digit.tensor, upload, stages, is_several))
        return results

    def read_tensors(self, tensors: Tensor) -> list[DigitResult]:
        """Classify (N, 28, 28) float32 tensors in 0..1, ink = 1."""
        predictions, predict = self._predict(list(tensors))
        return [
            DigitResult(prediction, tensor, milliseconds={"predict": predict})
            for prediction, tensor in zip(predictions, tensors, strict=True)
        ]

    def _predict(self, tensors: Sequence[Tensor]) -> tuple[Iterator[Prediction], float]:
        """Return the predictions, and the milliseconds per tensor."""
        if not tensors:
            return iter(()), 0.0
        started = time.perf_counter()
        predictions = self.classifier.predict_many(tensors)
        milliseconds = milliseconds_between(started, time.perf_counter())
        return iter(predictions), round(milliseconds / len(tensors), 3)

    def encode(self, result: DigitResult, *, details: bool) -> str:
        """Return the response of `POST /predictlabel` as compact JSON."""
        if not details:
            return result.prediction.to_json()
        response = result.prediction.to_wire() | {"details": self._details(result)}
        return json.dumps(response, separators=(",", ":"), sort_keys=True)

    def _details(self, result: DigitResult) -> dict[str, Any]:
        """Return the `details` of a response. `input` and `saliency` are 28 x 28 in 0..255."""
        prediction = result.prediction
        started = time.perf_counter()
        saliency = self.classifier.explain(result.tensor, prediction)
        explained = {"explain": milliseconds_between(started, time.perf_counter())}
        return {
            "verdict": result.verdict,
            "confidence": round(prediction.confidence, 4),
            "candidates": prediction.candidates,
            "not_a_digit": round(prediction.not_a_digit, 4),
            "input": _to_rows(result.tensor),
            "saliency": _to_rows(saliency),
            "model_sha256": self.classifier.sha256,
            "receipt": receipt(result.upload, result.tensor, self.classifier),
            "milliseconds": {**result.milliseconds, **explained},
        }

    def output(self, name: str, results: Sequence[DigitResult]) -> Any:
        """Return the values of the output `name`."""
        if name == "verdict":
            return [result.verdict for result in results]
        if name == "label":
            return np.array([result.prediction.label for result in results])
        return np.stack([result.prediction.probabilities for result in results])


def milliseconds_between(start: float, end: float) -> float:
    """Return the milliseconds between two values of `time.perf_counter`."""
    return round((end - start) * 1e3, 3)


def _apply_stage(
    stage: Callable[[Item], Output], items: Iterable[Item | DlflaskError]
) -> tuple[list[Output | DlflaskError], list[float]]:
    """Apply `stage` to each item that is not an error.

    Returns:
        A list of results or errors, and a list of milliseconds, each with one entry per item.
    """
    outputs: list[Output | DlflaskError] = []
    milliseconds = []
    ended = time.perf_counter()
    for item in items:
        started = ended
        try:
            outputs.append(item if isinstance(item, DlflaskError) else stage(item))
        except (ImageError, OutOfTime, Busy) as error:
            outputs.append(error)
        ended = time.perf_counter()
        milliseconds.append(milliseconds_between(started, ended))
    return outputs, milliseconds


def _to_rows(values: Tensor) -> list[list[int]]:
    """Return (28, 28) values in 0..1 as rows of whole numbers in 0..255."""
    rows: list[list[int]] = np.rint(values * 255).astype(int).tolist()
    return rows
