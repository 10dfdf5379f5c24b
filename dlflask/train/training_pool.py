"""Pool of training images: MNIST's digits, digits drawn by code, and non-digits.

UNIPEN's digits and letters, further non-digits, and digits that were cut from drawn numbers can be
added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dlflask.digits.thresholds import NOT_A_DIGIT
from dlflask.train.augmentation.augment import FULL, Strength, augment_fields, augment_images
from dlflask.train.augmentation.corruptions import Batch
from dlflask.train.data import Images, Labels
from dlflask.train.synthesis.hard_negatives import make_hard_negatives
from dlflask.train.synthesis.skeletonize import Fields, distance_fields, enlarge, thin
from dlflask.train.synthesis.stroke_drawing import Figure, draw
from dlflask.train.synthesis.synthetic_digits import draw_digits
from dlflask.train.synthesis.synthetic_negatives import draw_negatives
from dlflask.train.synthesis.unipen import Writer


@dataclass(frozen=True)
class Mixture:
    """Shares of five kinds of images in a batch.

    Besides the four kinds below, a batch contains MNIST's own images, which keep the model
    accurate on MNIST. From redrawn and drawn digits, the model learns other pens and handwritings.
    From non-digits, it learns the output "not a digit".

    Attributes:
        redrawn: Share of the batch for MNIST digits that are redrawn with other pens.
        drawn: Share of the batch for digits drawn by code.
        negative: Share of the batch for non-digits.
        cut: Share of the batch for digits that were cut from numbers.
        strength: Strength of the augmentation of MNIST's own images.
    """

    redrawn: float = 0.1875
    drawn: float = 0.125
    negative: float = 0.25
    strength: Strength = FULL
    cut: float = 0.0

    def count_chosen(self, size: int) -> int:
        """Return the number of MNIST digits, redrawn or not, in a batch of `size`."""
        return size - sum(round(share * size) for share in (self.drawn, self.negative, self.cut))


#: Mixture for the first two thirds of a cycle.
LEARN = Mixture()
#: Mixture for the last third of a cycle, with weaker augmentation of MNIST's own images.
SETTLE = Mixture(strength=Strength(warp=0.6, misplaced=0.08, corrupted=0.2))
#: Mixture for fine-tunings, with more of MNIST's own images.
FINE_TUNE = Mixture(0.125, 0.0625, 0.1875, Strength(warp=0.6, misplaced=0.05, corrupted=0.1))
#: Mixture for a trained model that learns only "not a digit" further, with UNIPEN's digits and
#: letters, and cut digits.
CONTINUE = Mixture(24 / 256, 32 / 256, 128 / 256, FINE_TUNE.strength, cut=32 / 256)

#: Weak augmentation of cut digits, which are as varied as real ones already.
_WEAK = Strength(warp=0.3, misplaced=0.02, corrupted=0.05)


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
        cut: Digits that were cut from numbers, (C, 28, 28) uint8. They can be missing.
        cut_labels: Labels of `cut`, (C,) uint8.
        num_written, num_letters: Numbers of UNIPEN's digits in `drawn`, and of its letters in
            `negatives`.
    """

    images: Images
    labels: Labels
    lines: Fields
    drawn: Fields
    drawn_labels: Labels
    negatives: Fields
    cut: Images = field(default_factory=lambda: np.zeros((0, 28, 28), np.uint8))
    cut_labels: Labels = field(default_factory=lambda: np.zeros(0, np.uint8))
    num_written: int = 0
    num_letters: int = 0

    def draw_batch(
        self,
        chosen: NDArray[np.intp],
        size: int,
        rng: np.random.Generator,
        mixture: Mixture = LEARN,
    ) -> tuple[Batch, NDArray[np.int32]]:
        """Augment the `chosen` MNIST digits, and add drawn digits, non-digits and cut digits.

        Args:
            chosen: Indices of MNIST digits. The first `mixture.redrawn * size` digits are redrawn.
            size: Number of images in the batch.
            rng: The only source of randomness.
            mixture: Composition of the batch.

        Returns:
            (size, 28, 28) float32 in 0..1 and (size,) int32 labels in 0..10. Without digits in
            `cut`, the batch is smaller by their share.
        """
        redrawn, kept = np.split(chosen, [round(mixture.redrawn * size)])
        drawn = rng.integers(len(self.drawn), size=round(mixture.drawn * size))
        negative = rng.integers(len(self.negatives), size=round(mixture.negative * size))
        num_cut = round(mixture.cut * size) if len(self.cut) else 0
        fields = np.concatenate([self.lines[redrawn], self.drawn[drawn], self.negatives[negative]])
        batches = [
            augment_images(self.images[kept], rng, mixture.strength),
            augment_fields(fields, rng),
        ]
        labels = [
            self.labels[kept],
            self.labels[redrawn],
            self.drawn_labels[drawn],
            np.full(len(negative), NOT_A_DIGIT, np.uint8),
        ]
        if num_cut:
            cut = rng.integers(len(self.cut), size=num_cut)
            batches.append(augment_images(self.cut[cut], rng, _WEAK))
            labels.append(self.cut_labels[cut])
        return np.concatenate(batches), np.concatenate(labels).astype(np.int32)


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


def add_written(
    pool: TrainingPool, writers: Sequence[Writer], letters: Sequence[Figure]
) -> TrainingPool:
    """Return `pool` with the digits of UNIPEN's writers, and with letters as non-digits."""
    digits = [figure for writer in writers for figure in writer.figures]
    labels = np.concatenate([writer.labels for writer in writers]).astype(np.uint8)
    return replace(
        pool,
        drawn=np.concatenate([pool.drawn, _draw_figures(digits)]),
        drawn_labels=np.concatenate([pool.drawn_labels, labels]),
        negatives=np.concatenate([pool.negatives, _draw_figures(letters)]),
        num_written=len(digits),
        num_letters=len(letters),
    )


def _draw_figures(figures: Sequence[Figure]) -> Fields:
    return distance_fields(np.array([draw(figure) for figure in figures]))
