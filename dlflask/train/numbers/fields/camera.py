"""Image of a field: light, contrast, resolution, blur, noise and compression."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image, ImageFilter

from dlflask.imaging.resize import resize
from dlflask.train.numbers.fields.pen import Canvas
from dlflask.train.numbers.parts import Parts


def press(ink: Canvas, parts: Parts, rng: np.random.Generator) -> Canvas:
    """Return the ink as left by a pen that may fade or skip, or by a pencil."""
    if not parts.pens:
        return ink * np.float32(rng.uniform(0.6, 1))
    dark = rng.uniform(0.25, 1) if rng.random() < 0.5 else rng.uniform(0.7, 1)
    if rng.random() < 0.3:
        height, width = ink.shape
        shape = (3, max(2, width // 24))
        nodes = rng.uniform(rng.uniform(0.2, 0.7), 1.2, shape).astype(np.float32)
        ink = ink * np.minimum(1, resize(nodes, height, width, clamp=True))
    if rng.random() < 0.12:  # a pencil on rough paper
        ink = ink * rng.uniform(0.4, 1, ink.shape).astype(np.float32)
    return ink * np.float32(dark)


def expose(dark: Canvas, height: float, parts: Parts, rng: np.random.Generator) -> Canvas:
    """Return the image of a field, as a camera or scanner sees it.

    Args:
        dark: (height, width) float32 in 0..1, darkness of ink and paper.
        height: Height of the digits in pixels.
        parts: Parts of the synthesis that are drawn.
        rng: The only source of randomness.

    Returns:
        (height, width) float32 in 0..255, ink higher than paper. If the resolution is reduced, the
        image has fewer pixels than `dark`.
    """
    rows, columns = dark.shape
    base, contrast = rng.uniform(0.45, 1), rng.uniform(0.5, 1)
    if parts.patterns and rng.random() < 0.3:
        dark = dark + _shadow(rows, columns, rng)
    grey = base * (1 - contrast * dark)
    if not parts.cameras:
        return (255 * (1 - grey)).astype(np.float32)
    image = Image.fromarray((255 * np.clip(grey, 0, 1)).astype(np.uint8))
    if rng.random() < 0.5:
        scale = rng.uniform(13, 26) / height
        if scale < 1:
            size = max(4, round(columns * scale)), max(8, round(rows * scale))
            image = image.resize(size, Image.Resampling.BOX)
    if rng.random() < 0.35:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.045 * image.height)))
    seen = np.asarray(image, np.float32)
    if rng.random() < 0.5:
        strength = 255 * base * contrast * rng.uniform(0.005, 0.07)
        seen = seen + rng.standard_normal(seen.shape, np.float32) * np.float32(strength)
    if rng.random() < 0.35:
        seen = _compress(seen, int(rng.integers(35, 92)))
    plane = 255 - seen
    return _bilevel(plane, rng) if rng.random() < 0.1 else plane.astype(np.float32)


def _shadow(rows: int, columns: int, rng: np.random.Generator) -> Canvas:
    nodes = rng.uniform(0, rng.uniform(0.1, 0.6), (2, 3)).astype(np.float32)
    if rng.random() < 0.3:  # a shadow with a sharper edge
        nodes = np.repeat(nodes, rng.integers(4, 12), axis=1)
    return resize(nodes, rows, columns, clamp=True)


def _compress(seen: Canvas, quality: int) -> Canvas:
    with BytesIO() as file:
        image = Image.fromarray(np.clip(seen, 0, 255).astype(np.uint8))
        image.save(file, "JPEG", quality=quality)
        file.seek(0)
        return np.asarray(Image.open(file), np.float32)


def _bilevel(plane: Canvas, rng: np.random.Generator) -> Canvas:
    """Increase the contrast, up to pure black and white, as in a fax."""
    low, high = np.percentile(plane, [50, 99])
    level = low + rng.uniform(0.3, 0.6) * (high - low)
    slope = rng.uniform(2, 20) / max(1.0, high - low)
    steep: Canvas = np.clip((plane - level) * slope + 0.5, 0, 1).astype(np.float32)
    return steep
