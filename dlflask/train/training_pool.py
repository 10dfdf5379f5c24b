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
    """Shares of four kinds of images in a batch.

    Besides the three kinds below, a batch contains MNIST's own images, which keep the model
    accurate on MNIST. From redrawn and drawn digits, the model learns other pens and handwritings.
    From non-digits, it learns the output "not a digit".

    Attributes:
        redrawn: Share of the batch for MNIST digits that are redrawn with other pens.
        drawn: Share of the batch for digits drawn by code.
        negative: Share of the batch for non-digits.
        strength: Strength of the augmentation of MNIST's own images.
    """

    redrawn: float = 0.1875
    drawn: float = 0.125
    negative: float = 0.25
    strength: Strength = FULL

    def count_chosen(self, size: int) -> int:
        """Return the number of MNIST digits, redrawn or not, in a batch of `size`."""
        return size - round(self.drawn * size) - round(self.negative * size)


#: Mixture for the first two thirds of a cycle.
LEARN = Mixture()
#: Mixture for the last third of a cycle, with weaker augmentation of MNIST's own images.
SETTLE = Mixture(strength=Strength(warp=0.6, misplaced=0.08, corrupted=0.2))
#: Mixture for fine-tunings, with more of MNIST's own images.
FINE_TUNE = Mixture(0.125, 0.0625, 0.1875, Strength(warp=0.6, misplaced=0.05, corrupted=0.1))


@dataclass(frozen=True)
class TrainingPool:
    """Images and distance fields (see `skeletonize`) from which batches are made.

    Attributes:
        images: MNIST's digits, (N, 28, 28) uint8.
        labels: Labels of `images`, (N,) uint8.
        lines: The digits of `images`, thinned to lines, (N, 56, 56) uint8 distance fields.
        drawn: Digits drawn by code, (M, 56, 56) uint8 distance fields.
        drawn_labels: Labels of `drawn`, (M,) uint8.
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
        """Augment the `chosen` MNIST digits, and add drawn digits and non-digits.

        Args:
            chosen: Indices of MNIST digits. The first `mixture.redrawn * size` digits are redrawn.
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
    """Thin MNIST's N digits, draw about N / 6 digits, and make about N / 2 non-digits.

    Args:
        images: (N, 28, 28) uint8.
        labels: (N,) uint8.
        seed: Seed of the drawn images. The same seed gives the same pool.
    """
    rng = np.random.default_rng(seed)
    num_negatives = len(images) // 2
    thinned = thin(enlarge(images))
    drawn, drawn_labels = draw_digits(len(images) // 6, rng)
    hard = make_hard_negatives(thinned, labels, num_negatives // 4, rng)
    negatives = np.concatenate([draw_negatives(num_negatives - len(hard), rng), hard])
    return TrainingPool(images, labels, distance_fields(thinned), drawn, drawn_labels, negatives)
