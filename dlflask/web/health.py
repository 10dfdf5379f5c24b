"""Health of one worker: starting, ready, draining or failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from dlflask.errors import DlflaskError, SelfTestFailed
from dlflask.recogniser import Recogniser


class Health:
    """State of one worker; it is ready when all its recognisers are.

    Attributes:
        failure: Why the self-test failed; empty if it did not.
        is_draining: Whether the worker finishes its requests and accepts no more; the server
            replaces it.
    """

    def __init__(self, recognisers: Iterable[Recogniser[Any]]) -> None:
        self.failure = ""
        self.is_draining: Callable[[], bool] = lambda: False
        self._recognisers = tuple(recognisers)

    def start(self) -> None:
        """Set up every recogniser.

        A worker that fails stays up, so that it can report why and is not restarted for ever.
        """
        try:
            for recogniser in self._recognisers:
                recogniser.setup()
        except (DlflaskError, OSError) as error:
            self.failure = str(error)

    @property
    def state(self) -> str:
        """`starting`, `ready`, `draining` or `failed`."""
        if self.failure:
            return "failed"
        if self.is_draining():
            return "draining"
        return "ready" if all(one.is_ready for one in self._recognisers) else "starting"

    def check(self) -> None:
        """Reject images at a worker that failed; a draining worker still reads them.

        Raises:
            SelfTestFailed: The self-test failed.
        """
        if self.failure:
            raise SelfTestFailed(
                "The service failed its self-test; its log says why. Send the request again."
            )
