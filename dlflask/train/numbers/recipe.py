"""Recipe of a training run of the number network."""

from __future__ import annotations

from dataclasses import dataclass

from dlflask.train.numbers.parts import ALL, Parts
from dlflask.train.numbers.shards import Plan


@dataclass(frozen=True)
class NumberRecipe:
    """Settings of a training run.

    Attributes:
        shards: Number of shards; each holds 16 batches.
        epochs: Passes over all shards.
        batch_size: Strips in a batch, a multiple of 16.
        learning_rate: Largest learning rate, after the warm-up.
        weight_decay: Decay of AdamW.
        seed: Seed of the fields, the weights and the order.
        parts: Parts of the synthesis.
        drawn: Number of digits drawn in the forms of `hands`.
        start: SHA-256 of the model whose weights the training continues; empty for new weights.
    """

    shards: int = 123
    epochs: int = 6
    batch_size: int = 256
    learning_rate: float = 2.5e-3
    weight_decay: float = 1e-2
    seed: int = 1
    parts: Parts = ALL
    drawn: int = 20_000
    start: str = ""

    def plan(self) -> Plan:
        """Return the fields to draw."""
        return Plan(self.seed, self.shards, 16 * self.batch_size, self.parts)

    @property
    def name(self) -> str:
        """Return a name for the checkpoints that is different for each recipe."""
        settings = (self.shards, self.epochs, self.learning_rate, self.weight_decay, self.drawn)
        start = [self.start[:12]] if self.start else []
        return "-".join([self.plan().name, *map(str, settings), *start])
