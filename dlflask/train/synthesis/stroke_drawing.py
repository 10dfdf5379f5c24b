"""Strokes of a pen as points, in; masks of them, out: for digits and signs that are drawn by code.

A figure is written as text: strokes apart by `;`, points `x,y` in percent of a box, y down. A
stroke that begins with `~` runs smoothly through its points, any other straight from one to the
next.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from dlflask.train.synthesis.skeletonize import FIELD_SIZE, Masks

Stroke = NDArray[np.float64]  # (points, 2): x, y
Figure = list[Stroke]

#: The longer side of a drawn figure, in field pixels; augmentation scales it again.
_FIGURE_SIDE = 40
#: Points put between two of a smooth stroke.
_SMOOTH_STEPS = 8


def parse(text: str) -> Figure:
    """Read a figure; smooth strokes come out as many short straight ones."""
    figure = []
    for part in text.split(";"):
        points = np.array([[float(v) for v in p.split(",")] for p in part.strip("~ ").split()])
        figure.append(smooth(points) if part.strip().startswith("~") else points)
    return figure


def smooth(points: Stroke) -> Stroke:
    """A Catmull-Rom curve through `points`.

    Source: E. Catmull, R. Rom, A Class of Local Interpolating Splines, 1974.
    """
    ends = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, _SMOOTH_STEPS, endpoint=False)[:, None, None]
    before, start, stop, after = ends[:-3], ends[1:-2], ends[2:-1], ends[3:]
    curve = 0.5 * (
        2 * start
        + (stop - before) * t
        + (2 * before - 5 * start + 4 * stop - after) * t**2
        + (3 * start - before - 3 * stop + after) * t**3
    )  # (steps, pieces, 2)
    return np.concatenate([curve.transpose(1, 0, 2).reshape(-1, 2), points[-1:]])


def jitter(text: str, rng: np.random.Generator, spread: float = 4.0) -> Figure:
    """Read a figure with every written point moved by about `spread` percent of the box."""
    figure = []
    for part in text.split(";"):
        points = np.array([[float(v) for v in p.split(",")] for p in part.strip("~ ").split()])
        points = points + rng.normal(0, spread, points.shape)
        figure.append(smooth(points) if part.strip().startswith("~") else points)
    return figure


def draw(figure: Figure) -> Masks:
    """Draw `figure` one pixel wide, its longer side 40 of 56 pixels, in the middle: (56, 56)."""
    points = np.concatenate(figure)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = _FIGURE_SIDE / max(1e-6, float((high - low).max()))
    picture = Image.new("1", (FIELD_SIZE, FIELD_SIZE))
    pen = ImageDraw.Draw(picture)
    for stroke in figure:
        placed = (stroke - (low + high) / 2) * scale + (FIELD_SIZE - 1) / 2
        pen.line([tuple(point) for point in placed.tolist()], fill=1)
    return np.array(picture)
