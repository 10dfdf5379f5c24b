"""Recipe of a training run: the settings that decide its outcome."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace

from dlflask.train.training_pool import FINE_TUNE, LEARN, SETTLE, Mixture

#: Epochs and learning rate of a fine-tuning, relative to the cycle before it.
FINE_TUNING_EPOCHS, FINE_TUNING_RATE = 4 / 15, 1 / 3

#: Learning rate of a further cycle, relative to the first one. It is large enough to leave the
#: minimum in which the first one ended.
FURTHER_RATE = 2 / 3


@dataclass(frozen=True)
class Recipe:
    """Settings of a training run.

    Attributes:
        cycles: Number of cycles, each of which starts from the weights of the one before.
        fine_tunings: Number of fine-tunings after each cycle, whose weights are averaged.
        is_fine_tuning: True for the recipe of a fine-tuning.
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
        """Return the mixture of `epoch`, counted from 0; that of the last third is nearer MNIST."""
        if self.is_fine_tuning:
            return FINE_TUNE
        return SETTLE if epoch >= self.epochs * 2 // 3 else LEARN

    def to_cycles(self) -> list[Recipe]:
        """Return the recipes of the cycles, each with its fine-tunings.

        Source: Loshchilov, Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017.
        """
        first = replace(self, cycles=1)
        rate = FURTHER_RATE * self.learning_rate
        further = [
            replace(first, seed=self.seed + i, learning_rate=rate) for i in range(1, self.cycles)
        ]
        return [first, *further]

    def to_fine_tunings(self) -> list[Recipe]:
        """Return the recipes of the fine-tunings, which differ in their seeds."""
        once = replace(
            self,
            epochs=round(FINE_TUNING_EPOCHS * self.epochs),
            learning_rate=FINE_TUNING_RATE * self.learning_rate,
            is_fine_tuning=True,
        )
        return [replace(once, seed=100 * self.seed + i) for i in range(self.fine_tunings)]

    @property
    def name(self) -> str:
        """Return a name for the checkpoints that is different for each recipe."""
        return "-".join(str(value) for value in astuple(self))
