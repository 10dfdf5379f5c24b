"""Adaptation of a user's network to this service's tensors and probabilities.

Networks for the same images differ in the shape of their input, in the values that stand for ink
and paper, and in their outputs. The file states the shape but not the values. They are found by
trial: a network reads labelled samples best with the values that it was trained on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlflask.errors import ModelError
from dlflask.types import SIZE, SUM_TOLERANCE, Outputs, Tensor

#: Factor and offset that convert ink in 0..1 to a network's input values, the most usual first.
CONVENTIONS = {
    "0..1": (1.0, 0.0),
    "0..255": (255.0, 0.0),
    "-1..1": (2.0, -1.0),
    "inverted 0..1": (-1.0, 1.0),
    "inverted 0..255": (-255.0, 255.0),
    "inverted -1..1": (-2.0, 1.0),
}

#: Side of LeNet's input, the digit's 28 pixels with two of paper on each side.
PADDED = SIZE + 4

#: Shapes of an input for one image, without the batch axis. A file may say None for any size.
LAYOUTS = tuple(
    shape
    for side in (SIZE, PADDED)
    for shape in (
        *((side * side,), (side, side), (side, side, 1), (1, side, side)),
        *((side, side, 3), (3, side, side)),
        *((side * side, 1), (1, side * side), (1, side, side, 1), (side, side, 1, 1)),
    )
)

#: Shifts of each sample, in pixels. Ten unshifted samples are too few to compare conventions.
_SHIFTS = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))

#: Lower bound of probabilities in the score. It keeps one confidently misread digit from deciding.
_LEAST = 1e-4

#: The conventions are tried from the most usual one on. A later one is chosen only if its score is
#: higher by this much. Larger input values alone raise the score a little: the network becomes more
#: certain, but it reads the samples no better.
_LEAST_GAIN = 0.05

#: Added to sigmoids before they are divided by their sum. Outputs that are all 0 become equal
#: probabilities; it is too small to change others.
TINY = 1e-30


@dataclass(frozen=True)
class Adaptation:
    """Conversion of tensors to a network's inputs, and of its outputs to probabilities.

    Attributes:
        shape: Input of the network, without the batch axis, one of `LAYOUTS`.
        convention: One of `CONVENTIONS`.
        outputs: `softmax`, `logits` or `sigmoids`.
    """

    shape: tuple[int, ...]
    convention: str = "0..1"
    outputs: str = "softmax"

    @property
    def is_reshape(self) -> bool:
        """True if the network's input is the unchanged tensor, apart from its shape."""
        return self.convention == "0..1" and int(np.prod(self.shape)) == SIZE * SIZE

    @property
    def padding(self) -> int:
        """Pixels of paper added on each side."""
        return (PADDED - SIZE) // 2 if PADDED in self.shape or PADDED**2 in self.shape else 0

    def prepare(self, tensors: Tensor) -> Tensor:
        """Return inputs of the network, (N, *shape), for tensors (N, 28, 28) in 0..1."""
        margin = (self.padding, self.padding)
        scale, offset = CONVENTIONS[self.convention]
        batch = np.pad(tensors, ((0, 0), margin, margin)) * np.float32(scale) + np.float32(offset)
        if 3 in self.shape:
            axis = 1 if self.shape[0] == 3 else 3
            batch = np.repeat(np.expand_dims(batch, axis), 3, axis)
        return batch.reshape(-1, *self.shape)

    def finish(self, outputs: Outputs) -> Outputs:
        """Return probabilities (N, classes) for the network's outputs."""
        outputs = outputs.reshape(len(outputs), -1)
        if self.outputs == "logits":
            odds = np.exp(outputs - outputs.max(axis=1, keepdims=True))
            return odds / odds.sum(axis=1, keepdims=True)
        if self.outputs == "sigmoids":
            outputs = outputs + np.float32(TINY)
            return outputs / outputs.sum(axis=1, keepdims=True)
        return outputs


def fit_shape(shape: tuple[int | None, ...]) -> tuple[int, ...]:
    """Return the layout that an input of `shape` takes.

    Raises:
        ModelError: No layout has this shape.
    """
    for layout in LAYOUTS:
        if len(layout) == len(shape) and all(
            size in (None, wanted) for size, wanted in zip(shape, layout, strict=True)
        ):
            return layout
    words = " x ".join("any" if size is None else str(size) for size in shape)
    raise ModelError(
        f"has an input of shape {words}; expected an image of 28 x 28 or 32 x 32 with one or three "
        "channels. Train the network on images of 28 x 28."
    )


def adapt(
    forward: Callable[[Tensor], Outputs],
    shape: tuple[int, ...],
    activation: str,
    samples: NDArray[np.float32],
) -> tuple[Adaptation, int, float]:
    """Find the adaptation with which a network reads labelled samples best.

    Args:
        forward: The network, from (N, *shape) to (N, classes).
        shape: Shape of the network's input, one of `LAYOUTS`.
        activation: Name of the network's last activation.
        samples: (K, 28, 28) in 0..1, ink = 1: sample k shows class k.

    Returns:
        The adaptation, the number of samples that the network reads correctly with it, and the mean
        logarithm of the probability of the right class.

    Raises:
        ModelError: The network returns values that are not numbers.
    """
    shifted = np.concatenate([np.roll(samples, shift, (1, 2)) for shift in _SHIFTS])
    labels = np.tile(np.arange(len(samples)), len(_SHIFTS))
    best: tuple[Adaptation, int, float] | None = None
    for convention in CONVENTIONS:
        outputs = forward(Adaptation(shape, convention).prepare(shifted))
        if not np.isfinite(outputs).all():
            continue
        adaptation = Adaptation(shape, convention, _kind(outputs, activation))
        probabilities = adaptation.finish(outputs)
        right = probabilities[np.arange(len(labels)), labels]
        score = float(np.log(np.clip(right, _LEAST, 1)).mean())
        if best is None or score > best[2] + _LEAST_GAIN:
            read = probabilities.argmax(axis=1) == labels
            best = adaptation, int(read[: len(samples)].sum()), score
    if best is None:
        raise ModelError("returns values that are not numbers. Train the network again.")
    return best


def _kind(outputs: Outputs, activation: str) -> str:
    if activation == "softmax":
        return "softmax"
    sums = outputs.reshape(len(outputs), -1).sum(axis=1)
    if outputs.min() >= 0 and np.abs(sums - 1).max() < SUM_TOLERANCE:
        return "softmax"
    return "sigmoids" if activation in ("sigmoid", "hard_sigmoid") else "logits"
