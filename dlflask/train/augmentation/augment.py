"""Augmentation: batches of digits, redrawn as other hands, pens and cameras would make them.

Each operation works on a whole batch, so that augmentation takes less time than the training step.
The results are normalised as `normalize` does it: longer side 20, centre of mass in the middle.
Some are misplaced on purpose, because specks and remains of ruled lines misplace real digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlflask.train.augmentation.corruptions import SIZE, Batch, corrupt
from dlflask.train.augmentation.stroke_width import change_stroke, choose_widths, draw_strokes
from dlflask.train.synthesis.skeletonize import MAX_DISTANCE, UNITS

BOX = 20

# Within these ranges a person still reads the same digit. Beyond about 25 degrees a 6 looks like
# a 0 and a 1 like a 7.
MAX_ROTATION_DEGREES = 20.0
MAX_SHEAR = 0.40
MAX_LOG_ASPECT = 0.22
MAX_ELASTIC = 0.055  # in parts of the source's side
#: Nodes per side of the coarse grid of elastic displacements.
ELASTIC_NODES = 5

#: The largest field value that is an exact distance; larger ones are clipped.
_REACH = (MAX_DISTANCE - 0.5) * UNITS


@dataclass(frozen=True)
class Strength:
    """Strength of the augmentation of MNIST's own images. Fractions of 1.

    Attributes:
        warp: Used part of the `MAX_` ranges.
        misplaced: Part of the images with a wrong box or centre of mass, such as a speck or a line
            causes.
        corrupted: Part of the images that get corruptions; the others stay clean.
    """

    warp: float = 1.0
    misplaced: float = 0.25
    corrupted: float = 0.5


FULL = Strength()


def augment_images(
    images: NDArray[np.uint8], rng: np.random.Generator, strength: Strength = FULL
) -> Batch:
    """Warp MNIST images, thicken or thin their strokes, and corrupt the first of them.

    Args:
        images: (N, 28, 28) uint8, ink = 255.
        rng: The only source of randomness: the same state gives the same batch.
        strength: Strength of the augmentation.

    Returns:
        (N, 28, 28) float32 in 0..1.
    """
    batch: Batch = images.astype(np.float32) / np.float32(255)
    warped, _ = warp(batch, batch > 0.3, np.zeros(len(batch), np.float32), rng, strength)
    stroked = change_stroke(warped, rng)
    corrupted = round(strength.corrupted * len(batch))
    stroked[:corrupted] = corrupt(stroked[:corrupted], rng)
    return stroked


def augment_fields(fields: NDArray[np.uint8], rng: np.random.Generator) -> Batch:
    """Warp thinned shapes and draw them again with a pen of random width.

    Args:
        fields: (N, 56, 56) uint8 distance fields.
        rng: The only source of randomness.

    Returns:
        (N, 28, 28) float32 in 0..1.
    """
    widths = choose_widths(len(fields), rng)
    # `warp` fills its border with 0. Invert the field, so that 0 is the largest distance.
    near = 255 - fields.astype(np.float32)
    # Placement looks at every second pixel only, so count the line's neighbours as ink as well.
    warped, scale = warp(near, fields <= UNITS, widths, rng)
    distance = ((255 - warped) / UNITS * scale[:, None, None]).astype(np.float32)
    # Distances are clipped. Allow no ink beyond the clip, whatever the width of the pen.
    distance[warped < 255 - _REACH] = np.inf
    return corrupt(draw_strokes(distance, widths, rng), rng)


def warp(
    batch: Batch,
    ink: NDArray[np.bool_],
    widths: Batch,
    rng: np.random.Generator,
    strength: Strength = FULL,
) -> tuple[Batch, Batch]:
    """Rotate, shear, stretch, bend and place each shape, in one bilinear resampling.

    Args:
        batch: (N, side, side) float32 to resample; 0 outside.
        ink: (N, side, side) bool, the pixels that decide the placement.
        widths: (N,) float32, width of the pen to be drawn along `ink`, in tensor pixels.
        rng: The only source of randomness.
        strength: Strength of the augmentation.

    Returns:
        (N, 28, 28) float32, and (N,) float32: tensor pixels per pixel of `batch`.

    Source: Simard, Steinkraus, Platt, Best Practices for Convolutional Neural Networks Applied to
    Visual Document Analysis, ICDAR 2003 (elastic distortion).
    """
    num_shapes, side = len(batch), batch.shape[1]
    misplaced = rng.random(num_shapes) < strength.misplaced
    # (N, 2, 2), from an offset (x, y) in the source to the offset in the tensor.
    forward = _linear_maps(num_shapes, strength.warp, rng)
    scale, middle = _placement(forward, ink, widths, misplaced, rng)
    backward = np.linalg.inv(forward * scale[:, None, None]).astype(np.float32)
    shift = _shifts(misplaced, rng)
    axis = np.arange(SIZE, dtype=np.float32) - np.float32((SIZE - 1) / 2)
    x = (axis - shift[:, :1])[:, None, :]  # (N, 1, 28)
    y = (axis - shift[:, 1:])[:, :, None]  # (N, 28, 1)
    bend = _elastic(num_shapes, rng) * np.float32(strength.warp * side)
    source = [
        backward[:, row, 0, None, None] * x
        + backward[:, row, 1, None, None] * y
        + middle[:, row, None, None]
        + bend[row]
        for row in (0, 1)
    ]
    return _sample(batch, source[1], source[0]), scale


def _linear_maps(num_shapes: int, part: float, rng: np.random.Generator) -> Batch:
    """Return (N, 2, 2) maps of rotation, shear and aspect; half of them are weaker."""
    parts = part * np.where(rng.random(num_shapes) < 0.5, 1.0, rng.uniform(0.2, 1.0, num_shapes))
    turn, lean, stretch = rng.uniform(-1, 1, (3, num_shapes)) * parts
    angle = np.radians(MAX_ROTATION_DEGREES) * turn
    aspect = np.exp(MAX_LOG_ASPECT * stretch)
    cos, sin, shear = np.cos(angle), np.sin(angle), MAX_SHEAR * lean
    rows = [
        [cos * aspect, (shear * cos - sin) / aspect],
        [sin * aspect, (shear * sin + cos) / aspect],
    ]
    return np.array(rows, np.float32).transpose(2, 0, 1)


def _placement(
    forward: Batch,
    ink: NDArray[np.bool_],
    widths: Batch,
    misplaced: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[Batch, Batch]:
    """Return the (N,) scale to the box and the (N, 2) centre of mass in the source, as x, y."""
    # Every second pixel of a 56 x 56 field is enough to find its extent.
    step = ink.shape[1] // SIZE
    mask = ink[:, ::step, ::step]
    weight = mask.reshape(len(mask), -1).astype(np.float32)  # (N, 784)
    grid = np.mgrid[0:SIZE, 0:SIZE][::-1].reshape(2, -1).astype(np.float32) * step
    middle = weight @ grid.T / np.maximum(1, weight.sum(axis=1, keepdims=True))
    moved = forward @ grid  # (N, 2, 784)
    highest = np.where(weight[:, None] > 0, moved, -np.inf).max(axis=2)
    lowest = np.where(weight[:, None] > 0, moved, np.inf).min(axis=2)
    longest = np.maximum(highest - lowest, 1.0).max(axis=1) + 1
    ratio = np.where(
        misplaced, rng.uniform(0.72, 1.12, len(mask)), rng.uniform(0.96, 1.03, len(mask))
    )
    scale = (BOX * ratio - widths) / longest
    return scale.astype(np.float32), middle.astype(np.float32)


def _shifts(misplaced: NDArray[np.bool_], rng: np.random.Generator) -> Batch:
    """Return (N, 2) shifts in tensor pixels: rounding, and up to 3 for the misplaced."""
    rounding = rng.uniform(-0.6, 0.6, (len(misplaced), 2))
    error = np.clip(rng.normal(0, 1.0, rounding.shape), -3, 3) * misplaced[:, None]
    return (rounding + error).astype(np.float32)


def _elastic(num_shapes: int, rng: np.random.Generator) -> Batch:
    """Interpolate (2, N, 28, 28) smooth displacements, in parts of the side, from a coarse grid."""
    strength = rng.uniform(0, MAX_ELASTIC, (1, num_shapes, 1, 1)).astype(np.float32)
    shape = (2, num_shapes, ELASTIC_NODES, ELASTIC_NODES)
    nodes = rng.standard_normal(shape, np.float32) * strength
    # Placement would undo a shift of the whole shape.
    nodes -= nodes.mean(axis=(2, 3), keepdims=True)
    # The outermost nodes lie on the outermost pixels, which `resize` cannot do.
    position = np.linspace(0, ELASTIC_NODES - 1, SIZE, dtype=np.float32)[:, None]
    spread = np.maximum(0, 1 - np.abs(position - np.arange(ELASTIC_NODES, dtype=np.float32)))
    bend: Batch = spread @ nodes @ spread.T
    return bend


def _sample(batch: Batch, source_y: Batch, source_x: Batch) -> Batch:
    """Sample each image bilinearly at its own coordinates; 0 outside."""
    padded = np.pad(batch, ((0, 0), (1, 2), (1, 2)))
    side = padded.shape[1]
    y = np.clip(source_y + 1, 0, side - 2.001)
    x = np.clip(source_x + 1, 0, side - 2.001)
    top, left = y.astype(np.int32), x.astype(np.int32)
    wy, wx = y - top.astype(np.float32), x - left.astype(np.float32)
    flat = padded.reshape(-1)
    start = (np.arange(len(batch), dtype=np.int32) * side * side)[:, None, None]
    index = start + top * side + left
    upper = flat[index] * (1 - wx) + flat[index + 1] * wx
    lower = flat[index + side] * (1 - wx) + flat[index + side + 1] * wx
    result: Batch = upper * (1 - wy) + lower * wy
    return result
