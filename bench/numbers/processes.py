"""Start the process of each reader, let it read one image after the other, and stop it."""

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
from dlflask.client import REFUSED, Outcome
from dlflask.evaluate.dataset import LabelledImage
from dlflask.evaluate.numbers.report import keep_digits
from dlflask.evaluate.outcomes import Case

#: Environment of each worker: Keras on OpenVINO, and every library limited to one thread.
_ENVIRONMENT = {
    "KERAS_BACKEND": "openvino",
    "OMP_NUM_THREADS": "1",
    "OMP_THREAD_LIMIT": "1",  # Tesseract obeys this variable.
    "OPENBLAS_NUM_THREADS": "1",
    "WEB_CONCURRENCY": "1",
}


class ReaderError(Exception):
    """The process of a reader ended too early. Its output on stderr says why."""


@dataclass
class Measured:
    """Results of one reader.

    Attributes:
        name: Name of the reader on the command line.
        missing: How to install the reader; empty if nothing is missing.
        version: Versions of the program and its model.
        disk_bytes: Size on disk.
        cases: Images with the digits of their labels, and the digits that were read.
        cpu: CPU time for each image, in seconds.
        peak: Peak memory in bytes, minus the memory of a Python process without the reader.
        errors: Name of each image that raised an error, and the error.
    """

    name: str
    missing: str = ""
    version: str = ""
    disk_bytes: int = 0
    cases: list[Case] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Title of the reader in the table."""
        return READERS[self.name][0]


class ReaderProcess:
    """The process of a reader, and its measured results."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self._name, self._process = name, process
        first_line = self._receive()
        self.measured = Measured(name, **first_line)

    def warm_up(self, path: Path) -> None:
        """Read an image without recording it.

        The reader loads and compiles its model during the first image.
        """
        if not self.measured.missing:
            self._ask(path)

    def read(self, image: LabelledImage, path: Path) -> None:
        """Read an image and record the result.

        Only the digits of the text and of the label are compared.
        """
        if self.measured.missing:
            return
        answer, measured = self._ask(path), self.measured
        outcome = Outcome("number", keep_digits(answer["text"]), 0.0)
        if answer["error"]:
            outcome = Outcome(REFUSED, reason=answer["error"])
            measured.errors.append(f"{image.name}: {answer['error']}")
        digits = keep_digits(image.label or "")
        labelled = LabelledImage(image.name, image.source, digits, image.load)
        measured.cases.append(Case(labelled, outcome))
        measured.cpu.append(answer["cpu"])
        measured.peak = max(measured.peak, answer["peak"])

    def _ask(self, path: Path) -> dict[str, Any]:
        assert self._process.stdin is not None  # noqa: S101  for mypy; it is a pipe
        # If the process has ended, writing fails. `_receive` then reports the end.
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
    """Start the process of a reader, and stop it at the end of the `with` block.

    Args:
        name: Name of the reader.
        python: Path of the Python in the reader's environment.

    Raises:
        ReaderError: The process ended before it sent its first line.
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
