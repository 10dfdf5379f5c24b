"""Any of Pillow's modes in, 8-bit grey or colour out: alpha, palettes, 16 bits, CMYK, floats."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageChops

from dlflask.ink import MIDDLE, Pixels


def to_planes(plain: Image.Image) -> Pixels:
    """Give (height, width) uint8 where no pixel has colour, else (3, height, width)."""
    if plain.mode == "L":
        return np.asarray(plain)
    red, green, blue = bands = plain.split()
    if ImageChops.difference(red, green).getbbox() or ImageChops.difference(red, blue).getbbox():
        return np.stack([np.asarray(band) for band in bands])
    return np.asarray(red)


def to_plain_mode(picture: Image.Image) -> Image.Image:
    """Convert to mode L or RGB, with transparency laid on paper."""
    if picture.mode.startswith(("I", "F")):
        return _to_eight_bits(picture)
    if picture.has_transparency_data:
        return _lay_on_paper(picture.convert("RGBA"))
    if picture.mode in ("1", "L"):
        return picture.convert("L")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _to_eight_bits(picture: Image.Image) -> Image.Image:
    """16-bit, 32-bit and float grey scaled by their own range: Pillow's convert would clip."""
    values = np.asarray(picture).astype(np.float32)
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    peak = float(values.max())
    full = next((level for level in (1.0, 255.0, 65_535.0) if peak <= level), peak)
    grey = np.clip(values * (255 / full), 0, 255).round().astype(np.uint8)
    return Image.fromarray(grey)


def _lay_on_paper(picture: Image.Image) -> Image.Image:
    """Lay a transparent picture on white or black, whichever its own colours stand out from."""
    *colours, opacity = (np.asarray(band, np.float32) for band in picture.split())
    weight = opacity.sum()
    brightness = sum(float((c * opacity).sum()) for c in colours) / (3 * weight) if weight else 0.0
    paper = Image.new("RGBA", picture.size, "white" if brightness < MIDDLE else "black")
    paper.alpha_composite(picture)
    return paper.convert("RGB")
