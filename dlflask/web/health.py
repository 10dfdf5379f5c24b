"""Whether this worker is to be sent requests: starting, ready, draining or failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from dlflask.digits.reading import ReadsDigits, read_digit
from dlflask.errors import DlflaskError, SelfTestFailed


class Readiness:
    """The state of one worker.

    Attributes:
        fault: What the self-test found; empty where it found nothing.
        is_draining: Whether the worker finishes what it has and takes no more; set by the server.
    """

    def __init__(self, classifier: ReadsDigits, samples: Iterable[Path]) -> None:
        self.fault = ""
        self.is_draining: Callable[[], bool] = lambda: False
        self._classifier = classifier
        self._samples = tuple(samples)

    def start(self) -> None:
        """Warm up and self-test: the network, then every sample from its bytes to the verdict.

        A worker that fails stays up, so that it can be asked why, and is not started over and over.
        """
        try:
            self._classifier.warm_up()
            for sample in self._samples:
                _ = read_digit(sample.read_bytes(), self._classifier).prediction.verdict
        except (DlflaskError, OSError) as error:
            self.fault = str(error)

    @property
    def state(self) -> str:
        """`starting`, `ready`, `draining` or `failed`."""
        if self.fault:
            return "failed"
        if self.is_draining():
            return "draining"
        return "ready" if self._classifier.is_ready else "starting"

    def check(self) -> None:
        """Let no picture through to a worker that failed; while it drains it finishes its work.

        Raises:
            SelfTestFailed: The self-test failed.
        """
        if self.fault:
            raise SelfTestFailed(
                "The service failed its self-test, and its log says why. Try again."
            )
