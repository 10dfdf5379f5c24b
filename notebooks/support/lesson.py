"""Intermediate results of normalisation and augmentation, for the notebook to show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlflask.digits.normalization import boost_contrast, centre, scale_to_box
from dlflask.digits.segmentation import find_digit
from dlflask.train.augmentation.augment import augment_fields, warp
from dlflask.train.augmentation.corruptions import CORRUPTIONS
from dlflask.train.augmentation.stroke_width import change_stroke
from dlflask.train.synthesis.skeletonize import distance_fields, enlarge, thin
from dlflask.types import Ink

Tensor = NDArray[np.float32]


def normalization_steps(ink: Ink) -> dict[str, Ink]:
    """Return the steps of `normalize` for ink that is not normalised yet, by name."""
    digit = find_digit(ink).ink
    box = scale_to_box(digit)
    strong = boost_contrast(box)
    return {
        "ink": ink,
        "cut out": digit,
        "scaled": box,
        "boost_contrasted": strong,
        "centred": centre(strong),
    }


def augmentation_steps(digit: NDArray[np.uint8], rng: np.random.Generator) -> dict[str, Tensor]:
    """Return a (28, 28) uint8 digit as each step of the augmentation changes it, by name."""
    plain: Tensor = digit[None].astype(np.float32) / np.float32(255)
    lines = distance_fields(thin(enlarge(np.repeat(digit[None], 2, axis=0))))
    thinner, *_, bolder = sorted(change_stroke(np.repeat(plain, 8, axis=0), rng), key=np.sum)
    steps = {
        "as written": plain[0],
        "warped": warp(plain, plain > 0.3, np.zeros(1, np.float32), rng)[0][0],
        "bolder": bolder,
        "thinner": thinner,
    }
    for number, redrawn in enumerate(augment_fields(lines, rng), 1):
        steps[f"another pen {number}"] = redrawn
    for corruption, _ in CORRUPTIONS:
        name = corruption.__name__.replace("_", " ")
        steps[name] = np.clip(corruption(plain.copy(), rng)[0], 0, 1)
    return steps
