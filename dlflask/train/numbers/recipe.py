"""Recipe of a training run of the number network."""

from __future__ import annotations

from dataclasses import dataclass

from dlflask.train.numbers.parts import ALL, Parts
from dlflask.train.numbers.shards import Plan


@dataclass(frozen=True)
class NumberRecipe:
    """Settings of a training run.

    Attributes:
        shards: Number of shards, the files of drawn fields. Each shard holds 16 batches.
        epochs: Number of passes over all shards.
        batch_size: Number of fields in a batch, a multiple of 16.
        learning_rate: Maximum learning rate, after the warm-up.
        weight_decay: Weight decay of AdamW.
        seed: Seed of the fields, of the initial weights and of the order of the batches.
        parts: Parts of the synthesis that are drawn.
        drawn: Number of digits drawn by code in the forms of `fields.hands`.
        writers: Number of writers of UNIPEN whose digits are used. It is 0 without UNIPEN.
        start: SHA-256 of the model from whose weights the training starts. It is empty if the
            initial weights are random.
    """

    shards: int = 123
    epochs: int = 6
    batch_size: int = 256
    learning_rate: float = 2.5e-3
    weight_decay: float = 1e-2
    seed: int = 1
    parts: Parts = ALL
    drawn: int = 20_000
    writers: int = 0
    start: str = ""

    def plan(self) -> Plan:
        """Return the plan of the fields to draw."""
        return Plan(self.seed, self.shards, 16 * self.batch_size, self.parts)

    @property
    def name(self) -> str:
        """Return the name of the checkpoints' folder, which is different for each recipe."""
        settings = (self.shards, self.epochs, self.learning_rate, self.weight_decay, self.drawn)
        start = [self.start[:12]] if self.start else []
        return "-".join([self.plan().name, *map(str, settings), str(self.writers), *start])
