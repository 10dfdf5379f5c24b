"""What decides the outcome of a training run."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace

from dlflask.train.stock import FINE_TUNE, LEARN, SETTLE, Mixture

#: Of a fine-tuning, in proportion to the run before it.
FINE_TUNING_EPOCHS, FINE_TUNING_RATE = 4 / 15, 1 / 3


@dataclass(frozen=True)
class Recipe:
    """What decides the outcome of a training run; in the last third of its epochs it settles.

    Attributes:
        fine_tunings: How many times the trained network is trained on, to average the weights.
        is_fine_tuning: Whether this is one of those times.
    """

    epochs: int = 60
    batch_size: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 2e-2
    seed: int = 1
    precision: str = "float32"
    fine_tunings: int = 4
    is_fine_tuning: bool = False

    def mixture(self, epoch: int) -> Mixture:
        """Of the batches of epoch number `epoch`, counted from 0."""
        if self.is_fine_tuning:
            return FINE_TUNE
        return SETTLE if epoch >= self.epochs * 2 // 3 else LEARN

    def to_fine_tunings(self) -> list[Recipe]:
        """The recipes of the fine-tunings, which differ in the order and warps of their batches."""
        once = replace(
            self,
            epochs=round(FINE_TUNING_EPOCHS * self.epochs),
            learning_rate=FINE_TUNING_RATE * self.learning_rate,
            is_fine_tuning=True,
        )
        return [replace(once, seed=100 * self.seed + i) for i in range(self.fine_tunings)]

    @property
    def name(self) -> str:
        """Tells its checkpoints from those of other recipes."""
        return "-".join(str(value) for value in astuple(self))
