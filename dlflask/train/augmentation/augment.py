"""Augmentation: change batches of digits as other hands, pens and cameras would change them.

Each operation works on a whole batch, so that augmentation takes less time than the training step.
The results are tensors, the 28 x 28 images that the network receives. Most digits in them have the
size and the position that `normalize` gives to users' digits: the longer side is 20 pixels, and the
centre of mass is in the middle. Some digits are misplaced on purpose, because specks and the
remains of ruled lines misplace users' digits too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlflask.train.augmentation.corruptions import SIZE, Batch, corrupt
from dlflask.train.augmentation.stroke_width import change_stroke, choose_widths, draw_strokes
from dlflask.train.synthesis.skeletonize import MAX_DISTANCE, UNITS

#: Longer side of a normalised digit, in pixels.
BOX = 20

#: Maximum angle of a rotation. After more than about 25 degrees, a 6 looks like a 0, and a 1 looks
#: like a 7. Up to this maximum and the three maxima below, a person still reads the same digit.
MAX_ROTATION_DEGREES = 20.0
#: Maximum shear, in columns for each row.
MAX_SHEAR = 0.40
#: Maximum logarithm of the factor by which a digit is stretched in width and reduced in height.
MAX_LOG_ASPECT = 0.22
#: Maximum standard deviation of elastic displacements, relative to the side of the source image.
MAX_ELASTIC = 0.055
#: Number of nodes on each side of the coarse grid of elastic displacements.
ELASTIC_NODES = 5

#: In a distance field, values up to this one are exact. A higher value can also stand for a longer
#: distance, because distances are clipped at `MAX_DISTANCE`.
_REACH = (MAX_DISTANCE - 0.5) * UNITS


@dataclass(frozen=True)
class Strength:
    """Strength of the augmentation of MNIST's own images. All values are in 0..1.

    Attributes:
        warp: Factor by which the maximum warps, the `MAX_` constants, are multiplied.
        misplaced: Share of the images that get a wrong size and position, as if a speck or a ruled
            line stood beside the digit.
        corrupted: Share of the images that get corruptions. The other images stay clean.
    """

    warp: float = 1.0
    misplaced: float = 0.25
    corrupted: float = 0.5


#: Strength for most of a training cycle.
FULL = Strength()


def augment_images(
    images: NDArray[np.uint8], rng: np.random.Generator, strength: Strength = FULL
) -> Batch:
    """Warp MNIST images, make some strokes bolder or thinner, and corrupt a share of the images.

    Args:
        images: (N, 28, 28) uint8, ink = 255.
        rng: The only source of randomness. The same state of `rng` gives the same batch.
        strength: Strength of the augmentation.

    Returns:
        (N, 28, 28) float32 in 0..1. The corrupted images come first.
    """
    batch: Batch = images.astype(np.float32) / np.float32(255)
    warped, _ = warp(batch, batch > 0.3, np.zeros(len(batch), np.float32), rng, strength)
    stroked = change_stroke(warped, rng)
    corrupted = round(strength.corrupted * len(batch))
    stroked[:corrupted] = corrupt(stroked[:corrupted], rng)
    return stroked


def augment_fields(fields: NDArray[np.uint8], rng: np.random.Generator) -> Batch:
    """Warp thinned shapes, draw each again with a pen of random width, and corrupt the results.

    Args:
        fields: (N, 56, 56) uint8 distance fields, as from `skeletonize.distance_fields`.
        rng: The only source of randomness.

    Returns:
        (N, 28, 28) float32 in 0..1.
    """
    widths = choose_widths(len(fields), rng)
    # `warp` takes pixels outside the image as 0. Invert the field, so that 0 is the maximum
    # distance.
    near = 255 - fields.astype(np.float32)
    # `_place` looks only at every second pixel and could miss a line that is one pixel wide.
    # Therefore count the neighbours of the line as ink too.
    warped, scale = warp(near, fields <= UNITS, widths, rng)
    distance = ((255 - warped) / UNITS * scale[:, None, None]).astype(np.float32)
    # A clipped distance may be much longer in reality, so draw no ink there, however wide the pen
    # is.
    distance[warped < 255 - _REACH] = np.inf
    return corrupt(draw_strokes(distance, widths, rng), rng)


def warp(
    batch: Batch,
    ink: NDArray[np.bool_],
    widths: Batch,
    rng: np.random.Generator,
    strength: Strength = FULL,
) -> tuple[Batch, Batch]:
    """Rotate, shear, stretch, bend and place each shape, with only one bilinear resampling.

    Args:
        batch: (N, side, side) float32 images. Pixels outside an image count as 0.
        ink: (N, side, side) bool, the pixels from which size and position are computed.
        widths: (N,) float32, width in tensor pixels of the pen that will draw along `ink`. The
            drawn stroke must fit into `BOX` too. Use 0 if no pen will draw.
        rng: The only source of randomness.
        strength: Strength of the augmentation.

    Returns:
        The warped images, (N, 28, 28) float32, and the scales, (N,) float32, in tensor pixels for
        each pixel of `batch`.

    Source: Simard, Steinkraus, Platt, Best Practices for Convolutional Neural Networks Applied to
    Visual Document Analysis, ICDAR 2003 (elastic distortion).
    """
    num_shapes, side = len(batch), batch.shape[1]
    misplaced = rng.random(num_shapes) < strength.misplaced
    # (N, 2, 2) matrices, which map an offset (x, y) in the source to an offset in the tensor. They
    # do not contain the scale yet, because it depends on the warped shape.
    forward = _linear_maps(num_shapes, strength.warp, rng)
    scale, middle = _place(forward, ink, widths, misplaced, rng)
    backward = np.linalg.inv(forward * scale[:, None, None]).astype(np.float32)
    shift = _shifts(misplaced, rng)
    axis = np.arange(SIZE, dtype=np.float32) - np.float32((SIZE - 1) / 2)
    x = (axis - shift[:, :1])[:, None, :]  # (N, 1, 28)
    y = (axis - shift[:, 1:])[:, :, None]  # (N, 28, 1)
    bend = _elastic(num_shapes, rng) * np.float32(strength.warp * side)
    coordinates = [
        backward[:, row, 0, None, None] * x
        + backward[:, row, 1, None, None] * y
        + middle[:, row, None, None]
        + bend[row]
        for row in (0, 1)
    ]
    return _sample(batch, coordinates[1], coordinates[0]), scale


def _linear_maps(num_shapes: int, strength: float, rng: np.random.Generator) -> Batch:
    """Return (N, 2, 2) matrices that rotate, shear and stretch. About half of them are weaker."""
    factors = strength * np.where(
        rng.random(num_shapes) < 0.5, 1.0, rng.uniform(0.2, 1.0, num_shapes)
    )
    turn, lean, stretch = rng.uniform(-1, 1, (3, num_shapes)) * factors
    angle = np.radians(MAX_ROTATION_DEGREES) * turn
    aspect = np.exp(MAX_LOG_ASPECT * stretch)
    cos, sin, shear = np.cos(angle), np.sin(angle), MAX_SHEAR * lean
    rows = [
        [cos * aspect, (shear * cos - sin) / aspect],
        [sin * aspect, (shear * sin + cos) / aspect],
    ]
    return np.array(rows, np.float32).transpose(2, 0, 1)


def _place(
    forward: Batch,
    ink: NDArray[np.bool_],
    widths: Batch,
    misplaced: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[Batch, Batch]:
    """Return the scales (N,) that fit the shapes into `BOX`, and the centres of mass (N, 2).

    A centre of mass is (x, y) in pixels of the source.
    """
    # Every second pixel of a 56 x 56 field is enough to find the extent of the ink.
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
    """Return (N, 2) shifts in tensor pixels.

    Each digit is shifted by up to 0.6, about as much as when `normalize` rounds to whole pixels. A
    misplaced digit is shifted by up to 3 more.
    """
    rounding = rng.uniform(-0.6, 0.6, (len(misplaced), 2))
    error = np.clip(rng.normal(0, 1.0, rounding.shape), -3, 3) * misplaced[:, None]
    return (rounding + error).astype(np.float32)


def _elastic(num_shapes: int, rng: np.random.Generator) -> Batch:
    """Return smooth displacements (2, N, 28, 28) in x and in y, interpolated from a coarse grid.

    They are relative to the side of the source image.
    """
    strengths = rng.uniform(0, MAX_ELASTIC, (1, num_shapes, 1, 1)).astype(np.float32)
    shape = (2, num_shapes, ELASTIC_NODES, ELASTIC_NODES)
    nodes = rng.standard_normal(shape, np.float32) * strengths
    # Remove the shift that is common to all nodes, because `normalize` undoes such a shift in
    # users' digits.
    nodes -= nodes.mean(axis=(2, 3), keepdims=True)
    # Interpolate without `resize`, because `resize` cannot put the outermost nodes on the outermost
    # pixels.
    position = np.linspace(0, ELASTIC_NODES - 1, SIZE, dtype=np.float32)[:, None]
    spread = np.maximum(0, 1 - np.abs(position - np.arange(ELASTIC_NODES, dtype=np.float32)))
    bend: Batch = spread @ nodes @ spread.T
    return bend


def _sample(batch: Batch, source_y: Batch, source_x: Batch) -> Batch:
    """Sample each image bilinearly at its own coordinates. Pixels outside an image are 0."""
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
