"""Adaptation of a user's network to this service's tensors and probabilities.

Networks for the same images differ in the shape of the input, in the values that stand for ink and
paper (the convention), and in the kind of the outputs. The model file states the shape, but not the
convention. The service therefore tries each convention on labelled sample digits. A network reads
digits well only with the convention on which it was trained.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlflask.errors import ModelError
from dlflask.types import SIZE, SUM_TOLERANCE, Outputs, Tensor

#: Conventions, each with the factor and the offset that convert ink in 0..1 to input values of the
#: network. The conventions are tried in this order, the most usual first.
CONVENTIONS = {
    "0..1": (1.0, 0.0),
    "0..255": (255.0, 0.0),
    "-1..1": (2.0, -1.0),
    "inverted 0..1": (-1.0, 1.0),
    "inverted 0..255": (-255.0, 255.0),
    "inverted -1..1": (-2.0, 1.0),
}

#: Side of the input of the network LeNet, in pixels: 28, and two pixels of paper on each side.
PADDED = SIZE + 4

#: Accepted shapes of a network's input, without the batch axis.
LAYOUTS = tuple(
    shape
    for side in (SIZE, PADDED)
    for shape in (
        *((side * side,), (side, side), (side, side, 1), (1, side, side)),
        *((side, side, 3), (3, side, side)),
        *((side * side, 1), (1, side * side), (1, side, side, 1), (side, side, 1, 1)),
    )
)

#: Shifts in pixels, (rows, columns). Each shift adds a copy of all samples, because ten samples are
#: too few to compare conventions.
_SHIFTS = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))

#: Smaller probabilities are raised to this value before the score is computed. Otherwise a single
#: sample that the network misreads with high confidence could decide the score.
_MIN_PROBABILITY = 1e-4

#: Minimum increase of the score for which a convention replaces a more usual convention. Larger
#: input values alone raise the score a little, because the network is then more certain, although
#: it does not read more samples correctly.
_MIN_GAIN = 0.05

#: Number that is added to each sigmoid output, so that outputs that are all 0 become equal
#: probabilities. The number is too small to change other outputs.
TINY = 1e-30


@dataclass(frozen=True)
class Adaptation:
    """Conversion of tensors to a network's inputs, and of the network's outputs to probabilities.

    Attributes:
        shape: Shape of the network's input without the batch axis, one of `LAYOUTS`.
        convention: Name of the convention, a key of `CONVENTIONS`.
        outputs: Kind of the network's outputs: `softmax`, `logits` or `sigmoids`.
    """

    shape: tuple[int, ...]
    convention: str = "0..1"
    outputs: str = "softmax"

    @property
    def is_reshape(self) -> bool:
        """True if `prepare` changes the shape of the tensors but not their values."""
        return self.convention == "0..1" and int(np.prod(self.shape)) == SIZE * SIZE

    @property
    def padding(self) -> int:
        """Number of rows or columns of paper that `prepare` adds on each side."""
        return (PADDED - SIZE) // 2 if PADDED in self.shape or PADDED**2 in self.shape else 0

    def prepare(self, tensors: Tensor) -> Tensor:
        """Return the network's inputs, (N, *shape), for tensors of shape (N, 28, 28) in 0..1."""
        margin = (self.padding, self.padding)
        scale, offset = CONVENTIONS[self.convention]
        batch = np.pad(tensors, ((0, 0), margin, margin)) * np.float32(scale) + np.float32(offset)
        if 3 in self.shape:
            axis = 1 if self.shape[0] == 3 else 3
            batch = np.repeat(np.expand_dims(batch, axis), 3, axis)
        return batch.reshape(-1, *self.shape)

    def finish(self, outputs: Outputs) -> Outputs:
        """Return probabilities of shape (N, classes) for the network's outputs."""
        outputs = outputs.reshape(len(outputs), -1)
        if self.outputs == "logits":
            exponentials = np.exp(outputs - outputs.max(axis=1, keepdims=True))
            return exponentials / exponentials.sum(axis=1, keepdims=True)
        if self.outputs == "sigmoids":
            outputs = outputs + np.float32(TINY)
            return outputs / outputs.sum(axis=1, keepdims=True)
        return outputs


def fit_shape(shape: tuple[int | None, ...]) -> tuple[int, ...]:
    """Return the first of `LAYOUTS` that fits the shape of a network's input.

    Args:
        shape: The shape without the batch axis. A size of None fits every size.

    Raises:
        ModelError: None of `LAYOUTS` fits.
    """
    for layout in LAYOUTS:
        if len(layout) == len(shape) and all(
            size in (None, expected) for size, expected in zip(shape, layout, strict=True)
        ):
            return layout
    dimensions = " x ".join("any" if size is None else str(size) for size in shape)
    raise ModelError(
        f"The network has an input of shape {dimensions}; expected an image of 28 x 28 or 32 x 32 "
        "with one or three channels. Train the network on images of 28 x 28."
    )


def adapt(
    forward: Callable[[Tensor], Outputs],
    shape: tuple[int, ...],
    activation: str,
    samples: NDArray[np.float32],
) -> tuple[Adaptation, int, float]:
    """Find the adaptation with which a network reads the samples best.

    Args:
        forward: Function that runs the network, from (N, *shape) to (N, classes).
        shape: Shape of the network's input, one of `LAYOUTS`.
        activation: Name of the network's last activation.
        samples: Sample digits, (K, 28, 28) in 0..1, ink = 1. Sample k shows class k.

    Returns:
        The adaptation, the number of samples that the network reads correctly with this adaptation,
        and the score: the mean logarithm of the probability of the correct class.

    Raises:
        ModelError: The network returns infinite values or NaN with every convention.
    """
    shifted = np.concatenate([np.roll(samples, shift, (1, 2)) for shift in _SHIFTS])
    labels = np.tile(np.arange(len(samples)), len(_SHIFTS))
    best: tuple[Adaptation, int, float] | None = None
    for convention in CONVENTIONS:
        outputs = forward(Adaptation(shape, convention).prepare(shifted))
        if not np.isfinite(outputs).all():
            continue
        adaptation = Adaptation(shape, convention, _output_kind(outputs, activation))
        probabilities = adaptation.finish(outputs)
        label_probabilities = probabilities[np.arange(len(labels)), labels]
        score = float(np.log(np.clip(label_probabilities, _MIN_PROBABILITY, 1)).mean())
        if best is None or score > best[2] + _MIN_GAIN:
            is_correct = probabilities.argmax(axis=1) == labels
            # Count only the first copies, which are the samples without a shift.
            best = adaptation, int(is_correct[: len(samples)].sum()), score
    if best is None:
        raise ModelError("The network returns infinite values or NaN. Train the network again.")
    return best


def _output_kind(outputs: Outputs, activation: str) -> str:
    if activation == "softmax":
        return "softmax"
    sums = outputs.reshape(len(outputs), -1).sum(axis=1)
    if outputs.min() >= 0 and np.abs(sums - 1).max() < SUM_TOLERANCE:
        return "softmax"
    return "sigmoids" if activation in ("sigmoid", "hard_sigmoid") else "logits"
