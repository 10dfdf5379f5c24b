"""What decides the outcome of a training run."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace

from dlflask.train.training_pool import FINE_TUNE, LEARN, SETTLE, Mixture

#: Of a fine-tuning, in proportion to the cycle before it.
FINE_TUNING_EPOCHS, FINE_TUNING_RATE = 4 / 15, 1 / 3

#: Of a further cycle's steps, in proportion to the first one's: large enough to leave where that
#: one ended.
FURTHER_RATE = 2 / 3


@dataclass(frozen=True)
class Recipe:
    """What decides the outcome of a training run; in the last third of its epochs it settles.

    Attributes:
        cycles: How many times all this is gone through, each from where the one before ended.
        fine_tunings: How many times a cycle's network is trained on, to average the weights.
        is_fine_tuning: Whether this is one of those times.
    """

    epochs: int = 60
    batch_size: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 2e-2
    seed: int = 1
    precision: str = "float32"
    cycles: int = 2
    fine_tunings: int = 4
    is_fine_tuning: bool = False

    def mixture(self, epoch: int) -> Mixture:
        """Of the batches of epoch number `epoch`, counted from 0."""
        if self.is_fine_tuning:
            return FINE_TUNE
        return SETTLE if epoch >= self.epochs * 2 // 3 else LEARN

    def to_cycles(self) -> list[Recipe]:
        """The recipes of the cycles, each with its fine-tunings.

        Source: Loshchilov, Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017.
        """
        first = replace(self, cycles=1)
        rate = FURTHER_RATE * self.learning_rate
        further = [
            replace(first, seed=self.seed + i, learning_rate=rate) for i in range(1, self.cycles)
        ]
        return [first, *further]

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
