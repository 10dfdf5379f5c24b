"""MNIST digits in, the same digits harder to read out: how far an answer can be trusted to hold.

A digit is changed on a sheet three times its size, so that nothing is cut off. It can then be shown
to the network as it is (`crop`), or sent as a picture to what the service does first (`serve`).
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
class Stress:
    """One way to make digits harder to read.

    Attributes:
        name: With the unit of `levels`.
        levels: From none to hard.
        apply: Changes one (84, 84) sheet by a level; the generator is for noise.
    """

    name: str
    levels: tuple[float, ...]
    apply: Callable[[Sheet, float, np.random.Generator], Sheet]


def lay_on_sheet(digit: NDArray[np.uint8]) -> Sheet:
    """A (28, 28) uint8 digit in the middle of (84, 84) float32 paper."""
    return np.pad(digit.astype(np.float32) / 255, SIZE)


def crop(sheet: Sheet) -> Sheet:
    """The (28, 28) middle of a sheet."""
    return sheet[SIZE:-SIZE, SIZE:-SIZE]


def serve(sheet: Sheet) -> Sheet:
    """A sheet as the service sees it, (28, 28); empty where it would be refused as blank."""
    upload = encode_png(np.round(np.clip(sheet, 0, 1) * 255).astype(np.uint8))
    try:
        return read_tensor(upload)
    except BlankImage:
        return np.zeros((SIZE, SIZE), np.float32)


def make_harder(
    digits: NDArray[np.uint8], stress: Stress, level: float, see: Callable[[Sheet], Sheet]
) -> Sheet:
    """(N, 28, 28) uint8 `digits` under `stress`, as (N, 28, 28) tensors that `see` makes."""
    rng = np.random.default_rng(0)
    sheets = (stress.apply(lay_on_sheet(digit), level, rng) for digit in digits)
    return np.array([see(sheet) for sheet in sheets], np.float32)


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
    """Wider by so many pixels on both sides together, or thinner where negative."""
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


STRESSES = (
    Stress("shift, pixels right and down", (0, 2, 4, 6, 8, 12), _shift),
    Stress("rotation, degrees", (0, 10, 20, 30, 40, 60), _rotate),
    Stress("size, as a factor", (0.4, 0.6, 0.8, 1, 1.3, 1.8), _scale),
    Stress("stroke width, change in pixels", (-2, -1, 0, 1, 2, 3), _change_stroke),
    Stress("blur, deviation in pixels", (0, 0.5, 1, 1.5, 2, 3), _blur),
    Stress("noise, deviation", (0, 0.05, 0.1, 0.2, 0.3, 0.5), _add_noise),
)
