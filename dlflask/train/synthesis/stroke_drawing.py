"""Drawing of digits and signs from pen strokes.

A figure is written as text. Semicolons separate its strokes. A stroke is a list of points `x,y`, in
percent of a box, where y increases downwards. A stroke that begins with `~` is a smooth curve
through its points. All other strokes are polylines.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from dlflask.train.synthesis.skeletonize import FIELD_SIZE, Masks

#: (points, 2) array of x and y.
Stroke = NDArray[np.float64]
#: Strokes of a figure.
Figure = list[Stroke]

#: Longer side of a drawn figure, in pixels of the mask. Augmentation scales the figure again.
_FIGURE_SIDE = 40
#: Number of computed points of a smooth curve from one written point to the next.
_SMOOTH_STEPS = 8


def parse(text: str, move: Callable[[Stroke], Stroke] = lambda points: points) -> Figure:
    """Parse a figure. Apply `move` to the written points of each stroke before it is smoothed."""
    figure = []
    for part in text.split(";"):
        written = [[float(value) for value in pair.split(",")] for pair in part.strip("~ ").split()]
        points = move(np.array(written))
        figure.append(smooth(points) if part.strip().startswith("~") else points)
    return figure


def smooth(points: Stroke) -> Stroke:
    """Return a Catmull-Rom curve through `points`.

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
    """Parse a figure and move each written point at random.

    Args:
        text: Text of the figure.
        rng: The only source of randomness.
        spread: Standard deviation of the movement in x and in y, in percent of the box.
    """
    return parse(text, lambda points: points + rng.normal(0, spread, points.shape))


def draw(figure: Figure) -> Masks:
    """Draw `figure` in the middle of a (56, 56) mask.

    Its lines are one pixel wide, and its longer side is 40 pixels.
    """
    points = np.concatenate(figure)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = _FIGURE_SIDE / max(1e-6, float((high - low).max()))
    image = Image.new("1", (FIELD_SIZE, FIELD_SIZE))
    pen = ImageDraw.Draw(image)
    for stroke in figure:
        placed = (stroke - (low + high) / 2) * scale + (FIELD_SIZE - 1) / 2
        pen.line([tuple(point) for point in placed.tolist()], fill=1)
    return np.array(image)
