"""Health of one worker: starting, ready, draining or failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from dlflask.errors import DlflaskError, SelfTestFailed
from dlflask.recogniser import Recogniser


class Health:
    """State of one worker, which is ready when all its recognisers are ready.

    Attributes:
        failure: Reason why the self-test failed; empty if it did not fail.
        is_draining: Return True if the worker finishes its requests and does not accept others;
            the server replaces it.
    """

    def __init__(self, recognisers: Iterable[Recogniser[Any]]) -> None:
        self.failure = ""
        self.is_draining: Callable[[], bool] = lambda: False
        self._recognisers = tuple(recognisers)

    def start(self) -> None:
        """Set up every recogniser.

        A worker that fails keeps running, so that it can report the reason and is not restarted
        for ever.
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
        return "ready" if all(one.is_ready for one in self._recognisers) else "starting"

    def check(self) -> None:
        """Raise an error if the worker failed. A draining worker still reads images.

        Raises:
            SelfTestFailed: The self-test failed.
        """
        if self.failure:
            raise SelfTestFailed(
                "The service failed its self-test; its log has the reason. Send the request again."
            )
