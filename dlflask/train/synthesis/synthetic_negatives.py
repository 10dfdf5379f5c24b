"""Non-digits drawn by code: letters, signs, doodles, scribbles, plots and ruled lines.

Characters that look exactly like a digit (such as O o I l |) are left out, and characters that are
often mistaken for a digit are drawn half as often as other characters. Otherwise the model would
give real digits the output "not a digit".
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dlflask.train.synthesis.fonts import draw_glyphs
from dlflask.train.synthesis.skeletonize import FIELD_SIZE, Fields, Masks, distance_fields
from dlflask.train.synthesis.stroke_drawing import Figure, Stroke, draw, jitter, smooth
from dlflask.train.synthesis.stroke_shapes import SIGNS

#: Latin letters. The letters in the first string are drawn twice as often as the letters in
#: the second string, which are often mistaken for digits.
LATIN = 2 * "ACEFGHJKLMNPQRTUVWXYadefhijkmnprtuvwxy" + "BDSZbgqsz"
#: Greek and Cyrillic letters, and signs.
OTHERS = "ΓΔΘΞΠΣΦΨΩαβγδεηθκλμνξπφχψωЖИЙФЦШЩЭЮЯжкнпфшыэюя+=×÷&@#?%*~$€£¥§±≠≤≥∞∑√∫∂←↑→↓♥♦★☺☼"  # noqa: RUF001


def _glyphs(count: int, rng: np.random.Generator) -> Masks:
    half = count // 2
    latin, _ = draw_glyphs(LATIN, half, rng)
    others, _ = draw_glyphs(OTHERS, count - half, rng)
    return np.concatenate([latin, others])


def _hand(count: int, rng: np.random.Generator) -> Masks:
    """Draw handwritten letters, characters of other scripts and doodles."""
    return _draw_many(count, lambda: jitter(SIGNS[rng.integers(len(SIGNS))], rng))


def _characters(count: int, rng: np.random.Generator) -> Masks:
    """Draw two to five straight and curved strokes, like characters of an unknown script.

    In about half of the characters, the points of the strokes lie on a grid of 3 x 3 points, so
    that the strokes are often parallel or joined.
    """

    def free() -> Stroke:
        return rng.uniform(20, 80, 2) + rng.uniform(-45, 45, (rng.integers(2, 5), 2))

    def on_grid() -> Stroke:
        return 50.0 * rng.integers(0, 3, (rng.integers(2, 5), 2)) + rng.normal(0, 4, 2)

    def character() -> Figure:
        draw_points = on_grid if rng.random() < 0.5 else free
        strokes = [draw_points() for _ in range(rng.integers(2, 6))]
        return [smooth(points) if rng.random() < 0.5 else points for points in strokes]

    return _draw_many(count, character)


def _scribbles(count: int, rng: np.random.Generator) -> Masks:
    """Draw a long stroke in each mask: a random walk, random corners, a wave or a spiral."""

    def scribble() -> Figure:
        num_points = int(rng.integers(5, 28))
        if rng.random() < 0.5:
            points = rng.uniform(0, 100, (num_points, 2))
        else:
            points = np.cumsum(rng.normal(0, 1, (num_points, 2)), axis=0)
        return [smooth(points) if rng.random() < 0.5 else points]

    def wave() -> Figure:
        t = np.linspace(0, 2 * np.pi * rng.uniform(2, 6), 80)
        size = rng.uniform(0.2, 1) + t * rng.uniform(0, 0.3)
        drift = rng.uniform(-1, 1) * t
        return [np.stack([drift + size * np.sin(t), size * np.cos(t)], axis=1)]

    return _draw_many(count, lambda: scribble() if rng.random() < 0.8 else wave())


def _screens(count: int, rng: np.random.Generator) -> Masks:
    """Draw parts of screenshots: axes with a curve, bars, grids, ruled lines, text or blocks."""
    masks = np.zeros((count, FIELD_SIZE, FIELD_SIZE), bool)
    kinds = (_plot, _bars, _grid, _rows, _block)
    for mask in masks:
        height, width = rng.integers(14, 48), rng.integers(30, 48)
        if rng.random() < 0.3:
            height, width = width, height
        top, left = (FIELD_SIZE - height) // 2, (FIELD_SIZE - width) // 2
        kinds[rng.integers(len(kinds))](mask[top : top + height, left : left + width], rng)
    return masks


def _plot(area: Masks, rng: np.random.Generator) -> None:
    height, width = area.shape
    area[:, 0] = area[-1] = True
    area[:, -1] = area[0] = rng.random() < 0.6
    walk = np.cumsum(rng.normal(0, 1, width)) + rng.normal(0, 0.6) * np.arange(width)
    walk = (walk - walk.min()) / max(1e-6, np.ptp(walk)) * (height - 1)
    area[walk.astype(int), np.arange(width)] = True


def _bars(area: Masks, rng: np.random.Generator) -> None:
    height, width = area.shape
    step = int(rng.integers(3, 10))
    for left in range(0, width - step + 1, step):
        area[int(rng.integers(height)) :, left : left + max(1, step * 2 // 3)] = True
    area[-1] = True


def _grid(area: Masks, rng: np.random.Generator) -> None:
    area[:: rng.integers(3, 16)] = True
    area[:, :: rng.integers(3, 16)] = True


def _rows(area: Masks, rng: np.random.Generator) -> None:
    """Draw ruled lines. Some of the lines are broken at random, so that they look like text."""
    step = int(rng.integers(3, 12))
    for top in range(0, len(area), step):
        gaps = rng.random(area.shape[1]) < rng.choice([0.0, 0.5])
        area[top : top + max(1, step // 3)] = ~gaps


def _block(area: Masks, rng: np.random.Generator) -> None:
    texture = rng.random(area.shape) < rng.choice([0.1, 0.3, 1.0])
    if rng.random() < 0.5:
        y, x = np.mgrid[-1 : 1 : area.shape[0] * 1j, -1 : 1 : area.shape[1] * 1j]
        texture &= x * x + y * y < 1
    area |= texture


def _draw_many(count: int, make: Callable[[], Figure]) -> Masks:
    return np.array([draw(make()) for _ in range(count)], bool).reshape(-1, FIELD_SIZE, FIELD_SIZE)


#: Kinds of non-digits and their shares. Letters and drawings have the largest shares, because
#: people send them most often by mistake.
KINDS: tuple[tuple[Callable[[int, np.random.Generator], Masks], float], ...] = (
    (_glyphs, 0.28),
    (_hand, 0.26),
    (_characters, 0.22),
    (_scribbles, 0.15),
    (_screens, 0.09),
)


def draw_negatives(count: int, rng: np.random.Generator) -> Fields:
    """Draw about `count` non-digits as distance fields, (about `count`, 56, 56) uint8."""
    masks = np.concatenate([make(round(count * share), rng) for make, share in KINDS])
    # Leave out blank masks. A random block can be blank, and so can a character that a font lacks.
    return distance_fields(masks[masks.any(axis=(1, 2))])
