"""Health of one worker: starting, ready, draining or failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from dlflask.errors import DlflaskError, SelfTestFailed
from dlflask.recogniser import Recogniser


class Health:
    """State of one worker process. It is ready when all its recognisers are ready.

    Attributes:
        failure: Reason why the self-test failed. Empty if the self-test did not fail.
        is_draining: Function that returns True while the worker finishes its last requests before
            it exits.
    """

    def __init__(self, recognisers: Iterable[Recogniser[Any]]) -> None:
        self.failure = ""
        self.is_draining: Callable[[], bool] = lambda: False
        self._recognisers = tuple(recognisers)

    def start(self) -> None:
        """Set up every recogniser. If this fails, store the reason in `failure`.

        A failed worker keeps running, so that its log and its responses report the failure. If the
        worker exited, the server would start a new one again and again.
        """
        try:
            for recogniser in self._recognisers:
                recogniser.setup()
        except (DlflaskError, OSError) as error:
            self.failure = str(error)

    @property
    def state(self) -> str:
        """Return `starting`, `ready`, `draining` or `failed`."""
        if self.failure:
            return "failed"
        if self.is_draining():
            return "draining"
        is_ready = all(recogniser.is_ready for recogniser in self._recognisers)
        return "ready" if is_ready else "starting"

    def check(self) -> None:
        """Raise an error if the worker has failed. A draining worker still reads images.

        Raises:
            SelfTestFailed: The self-test failed.
        """
        if self.failure:
            raise SelfTestFailed(
                "The service failed its self-test. Its log contains the reason. Send the request "
                "again."
            )
