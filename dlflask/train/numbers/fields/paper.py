"""Paper of a field, the image of a number.

It shows borders, rulings, squares, combs, security patterns, neighbours and stamps.

Each function draws the darkness of what is on the paper, float32 in 0..1.
"""

from __future__ import annotations

import numpy as np

from dlflask.imaging.resize import resize
from dlflask.train.numbers.fields.material import Material
from dlflask.train.numbers.fields.pen import Canvas, Line, Pen, draw_line, paste
from dlflask.train.numbers.fields.writing import Writing
from dlflask.train.numbers.parts import Parts


def draw_paper(writing: Writing, parts: Parts, rng: np.random.Generator) -> Canvas:
    """Return everything on the paper except the number, (height, width) float32 in 0..1."""
    paper = np.zeros_like(writing.ink)
    if writing.pitch:
        _comb(paper, writing, rng)
    elif parts.frames:
        kind = rng.random()
        if kind < 0.2:
            _frame(paper, writing.ink, rng)
        elif kind < 0.32:
            _rulings(paper, writing, rng)
        elif kind < 0.38:
            _squares(paper, writing, rng)
    if parts.patterns and rng.random() < 0.3:
        kinds = (_waves, _dots, _grain, _hatching)
        for _ in range(int(rng.integers(1, 3))):
            kinds[rng.integers(len(kinds))](paper, rng)
    if parts.patterns and rng.random() < 0.04:
        _stamp(paper, rng)
    return np.minimum(paper, 1)


def draw_neighbours(
    writing: Writing, material: Material, parts: Parts, rng: np.random.Generator
) -> Canvas | None:
    """Return parts of digits of another line or column. For most fields, return None."""
    if not parts.neighbours or rng.random() > 0.14:
        return None
    canvas = np.zeros_like(writing.ink)
    height, width = canvas.shape
    size = writing.height
    pen = Pen(size * rng.uniform(0.05, 0.13), 1.2, float(rng.normal(0, 0.2)), 1.0)
    num_digits = len(material.ink)
    if rng.random() < 0.6:  # the line above or below
        is_above = rng.random() < 0.5
        seen = rng.uniform(0.05, 0.25) * size
        x = rng.uniform(-1, 1) * size
        while x < width:
            glyph = draw_line(material, Line(int(rng.integers(num_digits))), size, pen)
            top = seen - glyph.ink.shape[0] + glyph.pad if is_above else height - seen - glyph.pad
            paste(canvas, glyph.ink, x, top + rng.normal(0, 0.05) * size)
            x += glyph.advance + size * rng.uniform(0.1, 0.5)
    else:  # the column to the left or right
        glyph = draw_line(material, Line(int(rng.integers(num_digits))), size, pen)
        seen = rng.uniform(0.08, 0.3) * glyph.advance
        left = seen - glyph.advance - glyph.pad if rng.random() < 0.5 else width - seen
        paste(canvas, glyph.ink, left, writing.top + rng.normal(0, 0.1) * size)
    return canvas


def _line(paper: Canvas, at: float, rng: np.random.Generator, dark: float, thick: float) -> None:
    """Draw a horizontal line across `paper`. Pass a transposed view to draw a vertical line."""
    height, width = paper.shape
    slope = rng.normal(0, 0.006) if rng.random() < 0.5 else 0.0
    rows = at + slope * (np.arange(width, dtype=np.float32) - width / 2)
    low = max(0, int(rows.min() - thick - 1))
    high = min(height, int(rows.max() + thick + 2))
    if low >= high:
        return
    y = np.arange(low, high, dtype=np.float32)[:, None]
    line = np.clip(thick / 2 + 0.5 - np.abs(y - rows), 0, 1) * np.float32(dark)
    if rng.random() < 0.15:  # dotted or worn
        line *= (np.sin(np.arange(width) * rng.uniform(0.5, 2)) > -0.3).astype(np.float32)
    np.maximum(paper[low:high], line, out=paper[low:high])


def _darkness(rng: np.random.Generator) -> tuple[float, float]:
    """Return the darkness and thickness of printed lines."""
    return float(rng.uniform(0.15, 1.0)), float(rng.uniform(0.6, 2.6))


def _sides(canvas: Canvas) -> tuple[Canvas, Canvas, Canvas, Canvas]:
    """Return four views of `canvas`. Their first rows are its top, bottom, left and right edges."""
    return canvas, canvas[::-1], canvas.T, canvas.T[::-1]


def _frame(paper: Canvas, ink: Canvas, rng: np.random.Generator) -> None:
    """Draw up to four borders of a table cell, at the edges or nearer to the number."""
    dark, thick = _darkness(rng)
    for view, inked in zip(_sides(paper), _sides(ink), strict=True):
        if rng.random() < 0.6:
            # Some borders lie anywhere in the outer 80 % of the rows between the edge and the
            # number. The others lie close to the edge.
            free = 0.8 * float(np.argmax(inked.max(axis=1) > 0))
            reach = free if rng.random() < 0.4 else 0.06 * paper.shape[0]
            _line(view, rng.uniform(0, reach) + rng.uniform(0, 2), rng, dark, thick)


def _rulings(paper: Canvas, writing: Writing, rng: np.random.Generator) -> None:
    """Draw ruled lines to write on, or only one line under the number."""
    dark, thick = _darkness(rng)
    step = writing.height * rng.uniform(0.9, 1.9)
    at = writing.top + writing.height * rng.uniform(0.95, 1.2)
    while at > step:
        at -= step
    while at < paper.shape[0]:
        _line(paper, at, rng, dark, thick)
        at += step


def _squares(paper: Canvas, writing: Writing, rng: np.random.Generator) -> None:
    dark, thick = rng.uniform(0.1, 0.6), rng.uniform(0.6, 1.6)
    step = writing.height * rng.uniform(0.35, 1.1)
    for view in (paper, paper.T):
        for at in np.arange(rng.uniform(0, step), view.shape[0], step):
            _line(view, float(at), rng, dark, thick)


def _comb(paper: Canvas, writing: Writing, rng: np.random.Generator) -> None:
    """Draw boxes around the digits, with or without gaps, or short teeth between the digits."""
    dark, thick = _darkness(rng)
    top = max(0.0, writing.top - writing.height * rng.uniform(0.05, 0.25))
    bottom = min(paper.shape[0] - 1.0, writing.top + writing.height * rng.uniform(1.05, 1.3))
    is_box = rng.random() < 0.7
    tooth = top if is_box else bottom - writing.height * rng.uniform(0.15, 0.4)
    gap = rng.uniform(0.05, 0.2) * writing.height if rng.random() < 0.3 else 0.0
    area = paper[int(tooth) : int(bottom) + 1]
    for at in writing.pitch:
        for each in {at - gap / 2, at + gap / 2}:
            _line(area.T, each, rng, dark, thick)
    left, right = int(max(0, writing.pitch[0])), int(writing.pitch[-1]) + 1
    across = paper[:, left:right]
    _line(across, bottom, rng, dark, thick)
    if is_box:
        _line(across, top, rng, dark, thick)


def _waves(paper: Canvas, rng: np.random.Generator) -> None:
    """Draw a guilloche, the security pattern of parallel curves on cheques."""
    height, width = paper.shape
    y, x = np.ogrid[:height, :width]
    length = rng.uniform(10, 60)
    bend = np.sin(x / length + rng.uniform(0, 6)) * rng.uniform(1, 10)
    bend = bend + np.sin(x / rng.uniform(4, 30) + y / rng.uniform(10, 60)) * rng.uniform(0, 6)
    phase = (y * rng.uniform(0.2, 1.0) + x * rng.uniform(-1, 1) + bend) * (
        6.28 / rng.uniform(3, 12)
    )
    sharp = rng.uniform(1, 5)
    pattern = np.clip(sharp * (np.sin(phase) - 1) + 1, 0, 1)
    np.maximum(paper, (pattern * rng.uniform(0.05, 0.4)).astype(np.float32), out=paper)


def _dots(paper: Canvas, rng: np.random.Generator) -> None:
    """Draw a regular pattern of dots, as in halftone printing."""
    height, width = paper.shape
    y, x = np.ogrid[:height, :width]
    step = rng.uniform(2.2, 8)
    turn = rng.uniform(0, 1.57)
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    pattern = np.clip(np.sin(u * 6.28 / step) + np.sin(v * 6.28 / step) - rng.uniform(0, 1), 0, 1)
    np.maximum(paper, (pattern * rng.uniform(0.05, 0.4)).astype(np.float32), out=paper)


def _grain(paper: Canvas, rng: np.random.Generator) -> None:
    """Draw the grain and stains of coarse paper."""
    height, width = paper.shape
    cell = rng.uniform(1.5, 9)
    nodes = rng.random((max(2, int(height / cell)), max(2, int(width / cell)))).astype(np.float32)
    np.maximum(paper, resize(nodes, height, width, clamp=True) * rng.uniform(0.05, 0.3), out=paper)


def _hatching(paper: Canvas, rng: np.random.Generator) -> None:
    height, width = paper.shape
    y, x = np.ogrid[:height, :width]
    turn, step = rng.uniform(0, 3.14), rng.uniform(2.5, 10)
    wave = np.sin((x * np.cos(turn) + y * np.sin(turn)) * 6.28 / step)
    pattern = np.clip(3 * wave - 1.5, 0, 1)
    np.maximum(paper, (pattern * rng.uniform(0.05, 0.35)).astype(np.float32), out=paper)


def _stamp(paper: Canvas, rng: np.random.Generator) -> None:
    """Draw part of a round stamp across the field."""
    height, width = paper.shape
    y, x = np.ogrid[:height, :width]
    radius = rng.uniform(0.6, 2.5) * height
    away = np.hypot(y - rng.uniform(-1, 2) * height, x - rng.uniform(0, 1) * width)
    thick = rng.uniform(1, 4)
    ring = np.clip(thick - np.abs(away - radius), 0, 1)
    ring = np.maximum(ring, np.clip(thick / 2 - np.abs(away - 0.8 * radius), 0, 1))
    np.maximum(paper, (ring * rng.uniform(0.2, 0.7)).astype(np.float32), out=paper)
