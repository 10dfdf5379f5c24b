"""Characters of the fonts that come with matplotlib, thinned to lines of one pixel."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dlflask.train.synthesis.skeletonize import FIELD_SIZE, Masks, thin

#: Files of fonts with Latin, Greek and Cyrillic letters. Some are slanted, and some have serifs.
FONTS = (
    "DejaVuSans.ttf",
    "DejaVuSans-Oblique.ttf",
    "DejaVuSansMono.ttf",
    "DejaVuSerif.ttf",
    "DejaVuSerif-Italic.ttf",
    "STIXGeneral.ttf",
    "STIXGeneralItalic.ttf",
)
#: Font size at which a character is drawn before it is scaled.
_POINTS = 48
#: Longer side of a scaled character, in pixels of the mask.
_SIDE = 42


def draw_glyphs(
    characters: str, count: int, rng: np.random.Generator, fonts: Sequence[str] = FONTS
) -> tuple[Masks, list[str]]:
    """Draw `count` random characters, each in a random one of `fonts`, and thin them.

    Returns:
        The masks, (count, 56, 56) bool, and the character that each mask shows.
    """
    chosen = [characters[index] for index in rng.integers(len(characters), size=count)]
    used = [fonts[index] for index in rng.integers(len(fonts), size=count)]
    glyphs = [_glyph(font, character) for font, character in zip(used, chosen, strict=True)]
    return np.array(glyphs, bool).reshape(-1, FIELD_SIZE, FIELD_SIZE), chosen


@cache
def _glyph(font: str, character: str) -> Masks:
    image = Image.new("L", (4 * _POINTS, 4 * _POINTS))
    ImageDraw.Draw(image).text((_POINTS, _POINTS), character, fill=255, font=_open(font))
    cut = image.crop(image.getbbox())
    scale = _SIDE / max(cut.size)
    cut = cut.resize((max(1, round(cut.width * scale)), max(1, round(cut.height * scale))))
    mask = Image.new("L", (FIELD_SIZE, FIELD_SIZE))
    mask.paste(cut, ((FIELD_SIZE - cut.width) // 2, (FIELD_SIZE - cut.height) // 2))
    return thin(np.asarray(mask)[None] > 127)[0]


@cache
def _open(font: str) -> ImageFont.FreeTypeFont:
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / font), _POINTS)
