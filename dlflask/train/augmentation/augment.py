"""A batch of shapes in, tensors out: the same shapes as other hands, pens and cameras make them.

Every operation works on many shapes at once, so that augmentation costs less than the training
step it feeds. The result is placed as `to_mnist` places: longer side 20, centre of mass in the
middle, with the errors that specks and leftover lines bring.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlflask.train.augmentation.corruptions import degrade
from dlflask.train.augmentation.stroke_width import change_stroke, choose_widths, draw_strokes
from dlflask.train.synthesis.skeletonize import MAX_DISTANCE, UNITS

Batch = NDArray[np.float32]

SIZE = 28
BOX = 20

# Ranges a digit may be changed by and still be read by a person as the same digit; beyond about
# 25 degrees a 6 leans into a 0, a 1 into a 7.
MAX_ROTATION_DEGREES = 20.0
MAX_SHEAR = 0.40
MAX_LOG_ASPECT = 0.22
MAX_ELASTIC = 0.055  # of the source's side
#: Nodes of the coarse grid that the elastic displacement is interpolated from.
ELASTIC_NODES = 5

#: The last field value that still tells how far the line is.
_REACH = (MAX_DISTANCE - 0.5) * UNITS


@dataclass(frozen=True)
class Strength:
    """How far MNIST's own images are taken from what they are.

    Attributes:
        warp: Part of the `MAX_` ranges that is used.
        misplaced: Part that is placed wrong: a speck or a line took part in the box or in the
            centre of mass.
        spoilt: Part that is spoilt; the rest stays as clean as MNIST is.
    """

    warp: float = 1.0
    misplaced: float = 0.25
    spoilt: float = 0.5


FULL = Strength()


def augment_images(
    images: NDArray[np.uint8], rng: np.random.Generator, strength: Strength = FULL
) -> Batch:
    """Warp MNIST images and thicken or thin their strokes; the first of them are spoilt as well.

    Args:
        images: (N, 28, 28) uint8, ink = 255.
        rng: The only source of randomness: the same state gives the same batch.
        strength: How much of it.

    Returns:
        (N, 28, 28) float32 in 0..1.
    """
    batch: Batch = images.astype(np.float32) / np.float32(255)
    warped, _ = warp(batch, batch > 0.3, np.zeros(len(batch), np.float32), rng, strength)
    stroked = change_stroke(warped, rng)
    spoilt = round(strength.spoilt * len(batch))
    stroked[:spoilt] = degrade(stroked[:spoilt], rng)
    return stroked


def augment_fields(fields: NDArray[np.uint8], rng: np.random.Generator) -> Batch:
    """Warp thinned figures and draw them again with a pen of random width.

    Args:
        fields: (N, 56, 56) uint8 distance fields.
        rng: The only source of randomness.

    Returns:
        (N, 28, 28) float32 in 0..1.
    """
    widths = choose_widths(len(fields), rng)
    # Paper outside a field is as far away as a byte tells: inverted, it is 0 like `warp`'s border.
    near = 255 - fields.astype(np.float32)
    # A line's neighbours count as well: placement looks at every second pixel only.
    warped, scale = warp(near, fields <= UNITS, widths, rng)
    distance = ((255 - warped) / UNITS * scale[:, None, None]).astype(np.float32)
    # Fields are clipped: beyond their reach there is no ink, however wide the pen.
    distance[warped < 255 - _REACH] = np.inf
    return degrade(draw_strokes(distance, widths, rng), rng)


def warp(
    batch: Batch,
    ink: NDArray[np.bool_],
    widths: Batch,
    rng: np.random.Generator,
    strength: Strength = FULL,
) -> tuple[Batch, Batch]:
    """Turn, shear, stretch, bend and place each shape, in one bilinear resampling.

    Args:
        batch: (N, side, side) float32 to resample; outside it is 0.
        ink: (N, side, side), what decides the placement.
        widths: (N,) float32, the pen that will be drawn around `ink`, in tensor pixels.
        rng: The only source of randomness.
        strength: How much of it.

    Returns:
        (N, 28, 28) float32, and (N,) float32: tensor pixels per pixel of `batch`.

    Source: Simard, Steinkraus, Platt, Best Practices for Convolutional Neural Networks Applied to
    Visual Document Analysis, ICDAR 2003 (elastic distortion).
    """
    num_shapes, side = len(batch), batch.shape[1]
    misplaced = rng.random(num_shapes) < strength.misplaced
    forward = _linear_maps(
        num_shapes, strength.warp, rng
    )  # (N, 2, 2), source offset (x, y) to tensor offset
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
    """Rotation, shear and aspect, (N, 2, 2); half of the shapes are changed little."""
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
    """Scale to the box, (N,), and each shape's centre of mass in the source, (N, 2) as x, y."""
    # Every second pixel of a fine field is enough to find its extent.
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
    """(N, 2) tensor pixels: `to_mnist` rounds to whole pixels; the misplaced are up to 3 off."""
    rounding = rng.uniform(-0.6, 0.6, (len(misplaced), 2))
    error = np.clip(rng.normal(0, 1.0, rounding.shape), -3, 3) * misplaced[:, None]
    return (rounding + error).astype(np.float32)


def _elastic(num_shapes: int, rng: np.random.Generator) -> Batch:
    """Smooth displacement as a part of the side, (2, N, 28, 28): a coarse grid, interpolated."""
    strength = rng.uniform(0, MAX_ELASTIC, (1, num_shapes, 1, 1)).astype(np.float32)
    shape = (2, num_shapes, ELASTIC_NODES, ELASTIC_NODES)
    nodes = rng.standard_normal(shape, np.float32) * strength
    # What moves the whole shape would be undone by placing it.
    nodes -= nodes.mean(axis=(2, 3), keepdims=True)
    position = np.linspace(0, ELASTIC_NODES - 1, SIZE, dtype=np.float32)[:, None]
    spread = np.maximum(0, 1 - np.abs(position - np.arange(ELASTIC_NODES, dtype=np.float32)))
    bend: Batch = spread @ nodes @ spread.T
    return bend


def _sample(batch: Batch, source_y: Batch, source_x: Batch) -> Batch:
    """Bilinear samples of each image at its own coordinates; outside is 0."""
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
