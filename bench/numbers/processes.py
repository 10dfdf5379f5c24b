"""Processes of the readers: start them, ask them for one image after the other, stop them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.numbers.installed import ROOT
from bench.numbers.readers import READERS
from dlflask.client import REFUSED, NumberOutcome
from dlflask.evaluate.numbers.dataset import NumberImage
from dlflask.evaluate.numbers.outcomes import NumberCase, keep_digits

#: One thread for each reader.
_ENVIRONMENT = {
    "KERAS_BACKEND": "openvino",
    "OMP_NUM_THREADS": "1",
    "OMP_THREAD_LIMIT": "1",  # of Tesseract
    "OPENBLAS_NUM_THREADS": "1",
    "WEB_CONCURRENCY": "1",
}


class ReaderError(Exception):
    """The process of a reader ended; what it wrote on stderr says why."""


@dataclass
class Measured:
    """Results of one reader.

    Attributes:
        name: Name on the command line.
        missing: What to install; empty if it ran.
        version: Versions of the program and its model.
        installed: Bytes on disk.
        cases: Images with their digits, and the digits that were read.
        cpu: CPU seconds of each image.
        peak: Bytes of memory at most, above those of bare Python.
        errors: Error of each image that raised one.
    """

    name: str
    missing: str = ""
    version: str = ""
    installed: int = 0
    cases: list[NumberCase] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Title in the table."""
        return READERS[self.name][0]


class ReaderProcess:
    """A running worker, and what was measured on it."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self._name, self._process = name, process
        opened = self._receive()
        self.measured = Measured(name, **opened)

    def warm_up(self, path: Path) -> None:
        """Read an image without counting it: the first one loads and compiles."""
        if not self.measured.missing:
            self._ask(path)

    def read(self, image: NumberImage, path: Path) -> None:
        """Read an image and count it; digits alone are compared."""
        if self.measured.missing:
            return
        answer, measured = self._ask(path), self.measured
        outcome = NumberOutcome("number", keep_digits(answer["text"]), 0.0)
        if answer["error"]:
            outcome = NumberOutcome(REFUSED, reason=answer["error"])
            measured.errors.append(f"{image.name}: {answer['error']}")
        digits = NumberImage(image.name, image.source, keep_digits(image.number), image.load)
        measured.cases.append(NumberCase(digits, outcome))
        measured.cpu.append(answer["cpu"])
        measured.peak = max(measured.peak, answer["peak"])

    def _ask(self, path: Path) -> dict[str, Any]:
        assert self._process.stdin is not None  # noqa: S101  for mypy; it is a pipe
        # A process that has ended reads nothing; `_receive` reports it.
        with suppress(BrokenPipeError):
            self._process.stdin.write(f"{path}\n")
            self._process.stdin.flush()
        return self._receive()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101  for mypy; it is a pipe
        line = self._process.stdout.readline()
        if not line:
            raise ReaderError(
                f"The process of the reader {self._name} ended with status "
                f"{self._process.wait()}. Its own messages are above."
            )
        received: dict[str, Any] = json.loads(line)
        return received


@contextmanager
def start(name: str, python: str) -> Iterator[ReaderProcess]:
    """Start the worker of a reader.

    Args:
        name: Name of the reader.
        python: Python of its environment.

    Raises:
        ReaderError: The reader could not be opened.
    """
    with subprocess.Popen(  # noqa: S603  a worker of this package
        [python, "-m", "bench.numbers.worker", name],
        cwd=ROOT,
        env=os.environ | _ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield ReaderProcess(name, process)
        finally:
            assert process.stdin is not None  # noqa: S101  for mypy; it is a pipe
            with suppress(BrokenPipeError):
                process.stdin.close()
