"""Start a process for a reader (a program that reads numbers), and send images to it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.numbers.installed import ROOT
from bench.numbers.readers import READERS
from bench.numbers.table import Row, summarise
from dlflask.client import REFUSED, Outcome
from dlflask.evaluate.dataset import LabelledImage
from dlflask.evaluate.numbers.report import keep_digits
from dlflask.evaluate.outcomes import Case

#: Environment of each process: Keras on OpenVINO, and every library limited to one thread.
_ENVIRONMENT = {
    "KERAS_BACKEND": "openvino",
    "OMP_NUM_THREADS": "1",
    "OMP_THREAD_LIMIT": "1",  # Tesseract obeys this variable.
    "OPENBLAS_NUM_THREADS": "1",
    "WEB_CONCURRENCY": "1",
}


class ReaderError(Exception):
    """The process of a reader ended too early. Messages of the process on stderr say why."""


class ReaderProcess:
    """The process of a reader, and the results so far.

    Attributes:
        name: Name of the reader on the command line.
        missing: How to install the reader; empty if it is installed.
    """

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self.name, self._process = name, process
        first_line = self._receive()
        self.missing: str = first_line.pop("missing", "")
        #: The version and the size on disk.
        self._facts = first_line
        self._cases: list[Case] = []
        #: CPU time in seconds and peak memory in bytes, for each image.
        self._usage: list[tuple[float, int]] = []

    def ask(self, path: Path) -> dict[str, Any]:
        """Return the text, the error, the CPU time in seconds and the peak memory for an image."""
        assert self._process.stdin is not None  # noqa: S101  for mypy; it is a pipe
        # If the process has ended, writing fails. `_receive` then reports the end.
        with suppress(BrokenPipeError):
            self._process.stdin.write(f"{path}\n")
            self._process.stdin.flush()
        return self._receive()

    def read(self, image: LabelledImage, path: Path) -> None:
        """Read an image, whose label must consist of digits, and record the result."""
        answer = self.ask(path)
        outcome = Outcome("number", keep_digits(answer["text"]))
        if answer["error"]:
            outcome = Outcome(REFUSED, reason=answer["error"])
        self._cases.append(Case(image, outcome))
        self._usage.append((answer["cpu"], answer["peak"]))

    def to_row(self) -> Row:
        """Return the figures of the reader."""
        title = READERS[self.name][0]
        if self.missing:
            return Row(title, self.missing)
        return summarise(title, self._cases, self._usage, **self._facts)

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101  for mypy; it is a pipe
        line = self._process.stdout.readline()
        if not line:
            raise ReaderError(
                f"The process of the reader {self.name} ended with status "
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
