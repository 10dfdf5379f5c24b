"""Robustness tests: MNIST's digits, made harder to read step by step.

A digit is changed on a sheet of three times its size, so that nothing is cut off. The network then
gets it directly (`crop`) or after the service's preprocessing (`serve`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dlflask.digits.normalization import read_tensor
from dlflask.errors import BlankImage
from dlflask.evaluate.dataset import encode_png

Sheet = NDArray[np.float32]

SIZE = 28
_SHEET = 3 * SIZE


@dataclass(frozen=True)
class Perturbation:
    """A change that makes digits harder to read.

    Attributes:
        name: Name, with the unit of `levels`.
        levels: Sizes of the change, to test one after the other.
        apply: Function that changes one (84, 84) sheet by a level; the generator is for noise.
    """

    name: str
    levels: tuple[float, ...]
    apply: Callable[[Sheet, float, np.random.Generator], Sheet]


def lay_on_sheet(digit: NDArray[np.uint8]) -> Sheet:
    """Place a (28, 28) uint8 digit in the middle of an (84, 84) float32 sheet."""
    return np.pad(digit.astype(np.float32) / 255, SIZE)


def crop(sheet: Sheet) -> Sheet:
    """Return the (28, 28) middle of a sheet."""
    return sheet[SIZE:-SIZE, SIZE:-SIZE]


def serve(sheet: Sheet) -> Sheet:
    """Preprocess a sheet as the service does, to (28, 28); all 0 if it is rejected as blank."""
    upload = encode_png(np.round(np.clip(sheet, 0, 1) * 255).astype(np.uint8))
    try:
        return read_tensor(upload)
    except BlankImage:
        return np.zeros((SIZE, SIZE), np.float32)


def perturb(
    digits: NDArray[np.uint8],
    perturbation: Perturbation,
    level: float,
    prepare: Callable[[Sheet], Sheet],
) -> Sheet:
    """Perturb (N, 28, 28) uint8 digits and return the (N, 28, 28) tensors that `prepare` makes."""
    rng = np.random.default_rng(0)
    sheets = (perturbation.apply(lay_on_sheet(digit), level, rng) for digit in digits)
    return np.array([prepare(sheet) for sheet in sheets], np.float32)


def _shift(sheet: Sheet, pixels: float, _: np.random.Generator) -> Sheet:
    shifted: Sheet = ndimage.shift(sheet, (pixels, pixels), order=1)
    return shifted


def _rotate(sheet: Sheet, degrees: float, _: np.random.Generator) -> Sheet:
    rotated: Sheet = ndimage.rotate(sheet, degrees, reshape=False, order=1)
    return rotated


def _scale(sheet: Sheet, factor: float, _: np.random.Generator) -> Sheet:
    middle = (_SHEET - 1) / 2
    offset = middle - middle / factor
    scaled: Sheet = ndimage.affine_transform(sheet, [1 / factor] * 2, offset, order=1)
    return scaled


def _change_stroke(sheet: Sheet, pixels: float, _: np.random.Generator) -> Sheet:
    """Widen the strokes by `pixels` in total, or thin them if negative."""
    fine = ndimage.zoom(sheet, 3, order=1)
    size = 1 + 2 * round(abs(pixels) * 3 / 2)
    change = ndimage.grey_dilation if pixels > 0 else ndimage.grey_erosion
    changed: Sheet = change(fine, size=(size, size)).reshape(_SHEET, 3, _SHEET, 3).mean(axis=(1, 3))
    return changed


def _blur(sheet: Sheet, pixels: float, _: np.random.Generator) -> Sheet:
    blurred: Sheet = ndimage.gaussian_filter(sheet, pixels)
    return blurred


def _add_noise(sheet: Sheet, deviation: float, rng: np.random.Generator) -> Sheet:
    noisy = sheet + rng.normal(0, deviation, sheet.shape)
    return np.clip(noisy, 0, 1).astype(np.float32)


PERTURBATIONS = (
    Perturbation("shift, pixels right and down", (0, 2, 4, 6, 8, 12), _shift),
    Perturbation("rotation, degrees", (0, 10, 20, 30, 40, 60), _rotate),
    Perturbation("size, as a factor", (0.4, 0.6, 0.8, 1, 1.3, 1.8), _scale),
    Perturbation("stroke width, change in pixels", (-2, -1, 0, 1, 2, 3), _change_stroke),
    Perturbation("blur, deviation in pixels", (0, 0.5, 1, 1.5, 2, 3), _blur),
    Perturbation("noise, deviation", (0, 0.05, 0.1, 0.2, 0.3, 0.5), _add_noise),
)
