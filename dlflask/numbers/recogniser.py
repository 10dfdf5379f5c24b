"""Recogniser of handwritten numbers. It finds the lines of an image and reads each line."""

from __future__ import annotations

import base64
import copy
import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from dlflask.deadline import check_deadline, compute_deadline
from dlflask.digits.recogniser import DigitClassifier, milliseconds_between
from dlflask.errors import Busy, DlflaskError, ImageError, OutOfTime
from dlflask.imaging.decoded_image import Region
from dlflask.numbers.decoding.lengths import Lengths
from dlflask.numbers.decoding.prefix_search import count_digits
from dlflask.numbers.lines.line_cutting import Line
from dlflask.numbers.lines.line_finding import find_lines
from dlflask.numbers.lines.page import Page, read_page
from dlflask.numbers.prediction import Character, NumberResult
from dlflask.numbers.provenance import NUMBER_PREPROCESSING, number_receipt
from dlflask.numbers.reader import LineReader
from dlflask.numbers.thresholds import VERDICTS, Thresholds
from dlflask.recogniser import ModelInfo, OutputSpec, read
from dlflask.types import Outputs, Tensor

NAME = "number"

#: Outputs of the model in the Open Inference Protocol, by name.
NUMBER_OUTPUTS = {
    "number": OutputSpec("BYTES", []),
    "verdict": OutputSpec("BYTES", []),
    "confidence": OutputSpec("FP32", []),
}

#: Minimum height of digits on a page (the reduced image), in pixels. Lines with smaller digits are
#: read again at a higher resolution.
MIN_DIGIT_HEIGHT = 24

#: Margin around a line that is read again, as a multiple of the height of its digits.
_AROUND_LINE = 1.0

#: Maximum number of digits per image whose saliency (importance of each pixel) is computed, because
#: the saliency of one digit takes as long as reading sixty images.
MAX_EXPLAINED = 32


class ReadsStrips(Protocol):
    """Network that reads strips (normalised images of lines), such as `network.StripNetwork`."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the model file, in hexadecimal."""

    @property
    def runtime(self) -> str:
        """Runtime, its version and the kind of processor."""

    @property
    def thresholds(self) -> Thresholds:
        """Thresholds of the verdict."""

    @property
    def is_ready(self) -> bool:
        """True if the network is compiled and has passed its self-test."""

    def warm_up(self) -> None:
        """Compile and test the network. Raise ModelError if this fails."""

    def __call__(self, pixels: Tensor) -> Outputs:
        """Return (T, classes) probabilities for a (32, W) float32 strip."""


class NumberRecogniser:
    """`Recogniser` of numbers. Its methods may be called from several threads at once.

    Args:
        network: The number network.
        classifier: The digit network, which reads doubtful digits again.
        samples: Image files that `setup` reads to test the recogniser.
    """

    def __init__(
        self, network: ReadsStrips, classifier: DigitClassifier, samples: Iterable[Path] = ()
    ) -> None:
        self.network, self.classifier = network, classifier
        self._reader = LineReader(network, classifier, network.thresholds)
        self._samples = tuple(samples)
        self._lengths: Lengths | None = None
        self.info = ModelInfo(
            name=NAME,
            sha256=network.sha256,
            preprocessing=NUMBER_PREPROCESSING,
            labels=[],
            verdicts=VERDICTS,
            outputs=NUMBER_OUTPUTS,
            input_shape=(),
            address="/predictnumber",
        )

    @property
    def is_ready(self) -> bool:
        """True if both networks are compiled and have passed their self-tests."""
        return self.network.is_ready and self.classifier.is_ready

    def setup(self) -> None:
        """Compile and test both networks, then read every sample.

        Raises:
            DlflaskError: A network fails its self-test, or a sample cannot be read.
            OSError: A sample is missing.
        """
        self.network.warm_up()
        self.classifier.warm_up()
        for sample in self._samples:
            read(self, sample.read_bytes())

    def expecting(self, lengths: Lengths | None) -> Self:
        """Return a copy of this recogniser that expects numbers of `lengths` digits."""
        other = copy.copy(self)
        other._lengths = lengths  # noqa: SLF001  `other` is an instance of this class
        return other

    def read_many(
        self, uploads: Sequence[bytes | DlflaskError], deadline: float | None = None
    ) -> list[NumberResult | DlflaskError]:
        """Read images one after the other. If an image causes an error, return the error."""
        deadline = deadline or compute_deadline()
        results: list[NumberResult | DlflaskError] = []
        for upload in uploads:
            try:
                if isinstance(upload, DlflaskError):
                    results.append(upload)
                else:
                    check_deadline(deadline)
                    results.append(self._read(upload))
            except (ImageError, OutOfTime, Busy) as error:
                results.append(error)
        return results

    def _read(self, upload: bytes) -> NumberResult:
        times = [time.perf_counter()]
        page, lines, parts = read_page(upload, find_lines, _around_small)
        times.append(time.perf_counter())
        located = _with_parts(page, lines, parts)
        times.append(time.perf_counter())
        readings = [self._reader.read(line, shown, self._lengths) for line, shown in located]
        times.append(time.perf_counter())
        stages = {
            name: milliseconds_between(start, end)
            for name, start, end in zip(
                ("decode", "place", "predict"), times, times[1:], strict=False
            )
        }
        return NumberResult(readings, upload, self._lengths, stages)

    def shows_several(self, upload: bytes) -> bool:
        """Return True if two or more digits are read on one line of the image."""
        try:
            result = self._read(upload)
        except ImageError:
            return False
        return any(count_digits(line.number) >= 2 for line in result.lines)

    def read_tensors(self, tensors: Tensor) -> list[NumberResult]:
        """Raise NotImplementedError, because the model reads image files only."""
        raise NotImplementedError

    def encode(self, result: NumberResult, *, details: bool) -> str:
        """Return the response of `POST /predictnumber` as compact JSON."""
        response = result.to_wire()
        if details:
            response["details"] = self._details(result)
        return json.dumps(response, separators=(",", ":"), sort_keys=True)

    def _details(self, result: NumberResult) -> dict[str, Any]:
        started = time.perf_counter()
        explained = [one for line in result.lines for one in line.characters if one.second]
        explained_ids = set(map(id, explained[:MAX_EXPLAINED]))
        lines = [
            {
                "strip_text": line.strip_text,
                "strip_probability": round(line.strip_probability, 4),
                "digit_text": line.digit_text,
                "strip": _to_grey(line.strip),
                "digits": [
                    self._character(one, explain=id(one) in explained_ids)
                    for one in line.characters
                ],
            }
            for line in result.lines
        ]
        explain_time = {"explain": milliseconds_between(started, time.perf_counter())}
        return {
            "lines": lines,
            "receipt": number_receipt(result, self.network, self.classifier),
            "milliseconds": {**result.milliseconds, **explain_time},
        }

    def _character(self, one: Character, *, explain: bool) -> dict[str, Any]:
        details: dict[str, Any] = {"label": one.label, "candidates": list(one.candidates)}
        if one.second is None:
            return details
        tensor, prediction = one.second.tensor, one.second.prediction
        details |= {
            "predictions": prediction.to_wire()["predictions"],
            "not_a_digit": round(prediction.not_a_digit, 4),
            "input": np.rint(tensor * 255).astype(int).tolist(),
        }
        if explain:
            saliency = self.classifier.explain(tensor, prediction)
            details["saliency"] = np.rint(saliency * 255).astype(int).tolist()
        return details

    def output(self, name: str, results: Sequence[NumberResult]) -> Any:
        """Return the values of the output `name`."""
        if name == "confidence":
            return np.array([result.confidence for result in results], np.float32)
        if name == "verdict":
            return [result.verdict for result in results]
        return [result.label for result in results]


def _around_small(page: Page, lines: Sequence[Line]) -> list[Region]:
    """Return the regions around lines of small digits, as fractions of the page's sides."""
    height, width = page.ink.shape
    regions = []
    for line in _small(lines):
        margin = _AROUND_LINE * line.digit_height
        top, left, bottom, right = line.box
        regions.append(
            (
                max(0.0, (left - margin) / width),
                max(0.0, (top - margin) / height),
                min(1.0, (right + margin) / width),
                min(1.0, (bottom + margin) / height),
            )
        )
    return regions


def _small(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line.digit_height < MIN_DIGIT_HEIGHT]


def _with_parts(
    page: Page, lines: Sequence[Line], parts: Sequence[Page]
) -> list[tuple[Line, Page]]:
    """Return each line and the page on which it was found, from top to bottom.

    If a line is found again in the part around it, which has a higher resolution, return the new
    line and the part instead.
    """
    replacements = {}
    for line, part in zip(_small(lines), parts, strict=False):
        found = find_lines(part)
        if found:
            # The line is in the middle of the part, so its top + bottom is about the part's height.
            height = part.ink.shape[0]
            nearest = min(found, key=lambda one: abs(one.box.top + one.box.bottom - height))
            replacements[id(line)] = nearest, part
    return [replacements.get(id(line), (line, page)) for line in lines]


def _to_grey(strip: Tensor) -> dict[str, Any]:
    """Return the size of a strip, and its pixels (ink = 255) row by row in base64."""
    grey = np.rint(strip * 255).astype(np.uint8)
    return {
        "height": grey.shape[0],
        "width": grey.shape[1],
        "pixels": base64.b64encode(grey.tobytes()).decode(),
    }
