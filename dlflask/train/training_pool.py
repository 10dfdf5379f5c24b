"""Pool of training images: MNIST's digits, digits drawn by code, and non-digits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlflask.digits.thresholds import NOT_A_DIGIT
from dlflask.train.augmentation.augment import FULL, Strength, augment_fields, augment_images
from dlflask.train.augmentation.corruptions import Batch
from dlflask.train.data import Images, Labels
from dlflask.train.synthesis.hard_negatives import make_hard_negatives
from dlflask.train.synthesis.skeletonize import Fields, distance_fields, enlarge, thin
from dlflask.train.synthesis.synthetic_digits import draw_digits
from dlflask.train.synthesis.synthetic_negatives import draw_negatives


@dataclass(frozen=True)
class Mixture:
    """Composition of a batch.

    The rest of the batch is MNIST's own ink, which keeps the model accurate on MNIST. Redrawn and
    drawn digits make it work for other people's pens and hands, negatives teach it non-digits.

    Attributes:
        redrawn: Part of the batch with MNIST's digits redrawn by other pens.
        drawn: Part of the batch with digits drawn by code.
        negative: Part of the batch with non-digits.
        strength: Strength of the augmentation of MNIST's own ink.
    """

    redrawn: float = 0.1875
    drawn: float = 0.125
    negative: float = 0.25
    strength: Strength = FULL

    def count_chosen(self, size: int) -> int:
        """Return the number of MNIST digits, redrawn or not, in a batch of `size`."""
        return size - round(self.drawn * size) - round(self.negative * size)


LEARN = Mixture()
#: Weaker augmentation of MNIST's own ink, for the end of a cycle.
SETTLE = Mixture(strength=Strength(warp=0.6, misplaced=0.08, corrupted=0.2))
FINE_TUNE = Mixture(0.125, 0.0625, 0.1875, Strength(warp=0.6, misplaced=0.05, corrupted=0.1))


@dataclass(frozen=True)
class TrainingPool:
    """Images and distance fields from which batches are drawn.

    Attributes:
        images: MNIST's digits, (N, 28, 28) uint8.
        labels: Their labels, (N,) uint8.
        lines: The same digits thinned, (N, 56, 56) uint8 distance fields.
        drawn: Digits drawn by code, (M, 56, 56) uint8 distance fields.
        drawn_labels: Their labels, (M,) uint8.
        negatives: Non-digits, (K, 56, 56) uint8 distance fields.
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
        """Augment the `chosen` MNIST digits and fill the batch up to `size`.

        Args:
            chosen: Indices of MNIST digits.
            size: Number of images in the batch.
            rng: The only source of randomness.
            mixture: Composition of the batch.

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


def make_training_pool(images: Images, labels: Labels, seed: int = 0) -> TrainingPool:
    """Thin MNIST and draw half as many non-digits and a sixth as many digits.

    Args:
        images: (N, 28, 28) uint8.
        labels: (N,) uint8.
        seed: Seed of the drawn images; the same seed gives the same pool.
    """
    rng = np.random.default_rng(seed)
    num_negatives = len(images) // 2
    thinned = thin(enlarge(images))
    drawn, drawn_labels = draw_digits(len(images) // 6, rng)
    hard = make_hard_negatives(thinned, labels, num_negatives // 4, rng)
    negatives = np.concatenate([draw_negatives(num_negatives - len(hard), rng), hard])
    return TrainingPool(images, labels, distance_fields(thinned), drawn, drawn_labels, negatives)
