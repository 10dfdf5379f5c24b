"""Recipe of a training run: the settings that decide its outcome.

A run consists of cycles. During a cycle, the learning rate falls to almost 0. Then several
fine-tunings follow: short trainings that all start from the weights of the cycle.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace

from dlflask.train.training_pool import CONTINUE, FINE_TUNE, LEARN, SETTLE, Mixture

#: Number of epochs and learning rate of a fine-tuning, relative to the cycle before it.
FINE_TUNING_EPOCHS, FINE_TUNING_RATE = 4 / 15, 1 / 3

#: Learning rate of the second and of later cycles, relative to the first cycle. It is large enough
#: to leave the minimum of the loss in which the cycle before ended.
FURTHER_RATE = 2 / 3


@dataclass(frozen=True)
class Recipe:
    """Settings of a training run.

    Attributes:
        epochs: Number of epochs of a cycle, or of a fine-tuning if `cycles` is 0.
        batch_size: Number of images in a batch.
        learning_rate: Maximum learning rate, after the warm-up.
        weight_decay: Weight decay of AdamW.
        seed: Seed of the initial weights and of the batches.
        precision: Keras's dtype policy.
        cycles: Number of cycles. Each cycle starts from the weights of the cycle before. It is 0
            if a trained model is only fine-tuned.
        fine_tunings: Number of fine-tunings after each cycle. Their weights are averaged.
        is_fine_tuning: True for the recipe of a fine-tuning.
        start: SHA-256 of the trained model that is fine-tuned, in hexadecimal; empty for none.
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
    start: str = ""

    def mixture(self, epoch: int) -> Mixture:
        """Return the composition of the batches in `epoch`, which is counted from 0.

        In the last third of a cycle, the images are more similar to MNIST's images.
        """
        if self.start:
            return CONTINUE
        if self.is_fine_tuning:
            return FINE_TUNE
        return SETTLE if epoch >= self.epochs * 2 // 3 else LEARN

    def to_cycles(self) -> list[Recipe]:
        """Return one recipe for each cycle, with the number of fine-tunings that follow the cycle.

        Source: Loshchilov, Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017.
        """
        if not self.cycles:
            return []
        first = replace(self, cycles=1)
        rate = FURTHER_RATE * self.learning_rate
        further = [
            replace(first, seed=self.seed + i, learning_rate=rate) for i in range(1, self.cycles)
        ]
        return [first, *further]

    def to_fine_tunings(self) -> list[Recipe]:
        """Return the recipes of the fine-tunings. They differ only in their seeds."""
        fine_tuning = replace(self, is_fine_tuning=True)
        if self.cycles:
            fine_tuning = replace(
                fine_tuning,
                epochs=round(FINE_TUNING_EPOCHS * self.epochs),
                learning_rate=FINE_TUNING_RATE * self.learning_rate,
            )
        return [replace(fine_tuning, seed=100 * self.seed + i) for i in range(self.fine_tunings)]

    def to_parts(self) -> list[Recipe]:
        """Return the recipes of all cycles and fine-tunings. Each has a folder of checkpoints."""
        cycles = self.to_cycles()
        tunings = [one for cycle in cycles or [self] for one in cycle.to_fine_tunings()]
        return cycles + tunings

    @property
    def name(self) -> str:
        """Name of the folder of checkpoints. It differs for each recipe."""
        return "-".join(str(value) for value in astuple(self))
