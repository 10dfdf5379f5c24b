"""MNIST in, the stock of training batches out: digits, drawn digits and what is no digit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlflask.train.augmentation.augment import FULL, Batch, Strength, augment_fields, augment_images
from dlflask.train.data import Images, Labels
from dlflask.train.synthesis.hard_negatives import spoil
from dlflask.train.synthesis.skeletonize import Fields, distance_fields, enlarge, thin
from dlflask.train.synthesis.synthetic_digits import draw_digits
from dlflask.train.synthesis.synthetic_negatives import draw_negatives
from dlflask.verdict import NOT_A_DIGIT


@dataclass(frozen=True)
class Mixture:
    """What a batch is made of.

    MNIST's own ink, which is what no other share takes, keeps the model exact on MNIST; its digits
    drawn again by other pens and the digits drawn by code carry it to other people's; the rest
    teaches what is no digit.

    Attributes:
        redrawn, drawn, negative: Parts of the batch.
        strength: How far MNIST's own ink is taken from what it is.
    """

    redrawn: float = 0.1875
    drawn: float = 0.125
    negative: float = 0.25
    strength: Strength = FULL

    def count_chosen(self, size: int) -> int:
        """How many MNIST digits, redrawn or not, a batch of `size` takes."""
        return size - round(self.drawn * size) - round(self.negative * size)


LEARN = Mixture()
#: While the step size falls, MNIST's own ink comes closer to what it is.
SETTLE = Mixture(strength=Strength(warp=0.6, misplaced=0.08, spoilt=0.2))
FINE_TUNE = Mixture(0.125, 0.0625, 0.1875, Strength(warp=0.6, misplaced=0.05, spoilt=0.1))


@dataclass(frozen=True)
class Stock:
    """What batches are drawn from.

    Attributes:
        images, labels: MNIST's digits, (N, 28, 28) and (N,) uint8.
        lines: The same digits thinned, (N, 56, 56) uint8 distance fields.
        drawn, drawn_labels: Digits drawn by code, in the same form.
        negatives: What is no digit, in the same form.
    """

    images: Images
    labels: Labels
    lines: Fields
    drawn: Fields
    drawn_labels: Labels
    negatives: Fields

    def draw_batch(
        self,
        chosen: NDArray[np.intp],
        size: int,
        rng: np.random.Generator,
        mixture: Mixture = LEARN,
    ) -> tuple[Batch, NDArray[np.int32]]:
        """Augment the `chosen` MNIST digits and fill up to `size` with the rest.

        Returns:
            (size, 28, 28) float32 in 0..1 and (size,) int32 labels in 0..10.
        """
        redrawn, kept = np.split(chosen, [round(mixture.redrawn * size)])
        drawn = rng.integers(len(self.drawn), size=round(mixture.drawn * size))
        negative = rng.integers(len(self.negatives), size=size - len(chosen) - len(drawn))
        fields = np.concatenate([self.lines[redrawn], self.drawn[drawn], self.negatives[negative]])
        batch = np.concatenate(
            [augment_images(self.images[kept], rng, mixture.strength), augment_fields(fields, rng)]
        )
        labels = np.concatenate(
            [
                self.labels[kept],
                self.labels[redrawn],
                self.drawn_labels[drawn],
                np.full(len(negative), NOT_A_DIGIT, np.uint8),
            ]
        )
        return batch, labels.astype(np.int32)


def make_stock(images: Images, labels: Labels, seed: int = 0) -> Stock:
    """Thin MNIST and draw the rest; 30 seconds for 55,000 digits, the same for the same seed.

    Args:
        images: (N, 28, 28) uint8.
        labels: (N,) uint8.
        seed: Of what is drawn: half as many non-digits as there are images, a sixth as many digits.
    """
    rng = np.random.default_rng(seed)
    num_negatives = len(images) // 2
    thinned = thin(enlarge(images))
    drawn, drawn_labels = draw_digits(len(images) // 6, rng)
    spoiled = spoil(thinned, labels, num_negatives // 4, rng)
    negatives = np.concatenate([draw_negatives(num_negatives - len(spoiled), rng), spoiled])
    return Stock(images, labels, distance_fields(thinned), drawn, drawn_labels, negatives)
