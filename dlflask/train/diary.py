"""A training run in, its figures epoch by epoch out."""

from __future__ import annotations

import time
from typing import Any

import keras


class Diary(keras.callbacks.Callback):
    """Keeps what Keras logs of each epoch, with the learning rate and the time it took.

    Attributes:
        epochs: One dictionary an epoch: `loss`, `accuracy`, `val_loss`, `val_accuracy`,
            `learning_rate` at its end, `seconds`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epochs: list[dict[str, float]] = []
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002  Keras's
        """Start the clock."""
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002  Keras's
        """Write the epoch down."""
        figures = {name: float(value) for name, value in (logs or {}).items()}
        figures["learning_rate"] = float(self.model.optimizer.learning_rate)
        figures["seconds"] = time.monotonic() - self._started
        self.epochs.append(figures)

    def column(self, name: str) -> list[float]:
        """One figure of every epoch."""
        return [figures[name] for figures in self.epochs]
