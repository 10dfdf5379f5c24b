"""Draw the worst mistakes of an evaluation on numbers: each image above its label and outcome.

A case is an image of a number and its outcome. A tile is the part of the sheet that shows one case.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from dlflask.evaluate.numbers.outcomes import NumberCase

#: Maximum number of cases on a sheet.
MAX_WORST = 80

#: Number of tiles in each row. Then, in pixels: the width of a tile, the height of its image and
#: the height of its text.
COLUMNS, _WIDTH, _HEIGHT, _TEXT = 4, 320, 90, 36

#: Colours of the wrong number and of the file's name.
_WRONG, _NAME = "#d55e00", "#555555"


def choose_worst_numbers(cases: Sequence[NumberCase], limit: int = MAX_WORST) -> list[NumberCase]:
    """Return at most `limit` cases of wrong numbers, most confident first."""
    wrong = [case for case in cases if not case.is_right]
    return sorted(wrong, key=lambda case: -case.outcome.confidence)[:limit]


def draw_number_sheet(cases: Sequence[NumberCase]) -> Image.Image:
    """Draw a tile for each case: the image, the label, and the number that was read."""
    rows = max(1, -(-len(cases) // COLUMNS))
    sheet = Image.new("RGB", (COLUMNS * _WIDTH, rows * (_HEIGHT + _TEXT)), "white")
    for index, case in enumerate(cases):
        row, column = divmod(index, COLUMNS)
        sheet.paste(_draw_tile(case), (column * _WIDTH, row * (_HEIGHT + _TEXT)))
    return sheet


def _draw_tile(case: NumberCase) -> Image.Image:
    tile = Image.new("RGB", (_WIDTH - 6, _HEIGHT + _TEXT - 4), "white")
    tile.paste(_thumbnail(case))
    outcome, pen = case.outcome, ImageDraw.Draw(tile)
    read = case.read.replace("\n", " / ") or outcome.reason or outcome.verdict
    text = f"{case.image.number} read {read} {outcome.verdict} {outcome.confidence:.2f}"
    pen.text((0, _HEIGHT), text[:48], _WRONG, ImageFont.load_default(13))
    pen.text((0, _HEIGHT + 17), case.image.name[-48:], _NAME, ImageFont.load_default(10))
    return tile


def _thumbnail(case: NumberCase) -> Image.Image:
    """Return the reduced image, or a grey rectangle if the image cannot be decoded."""
    try:
        with Image.open(BytesIO(case.image.load())) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, UnidentifiedImageError):
        return Image.new("RGB", (_WIDTH - 6, _HEIGHT), "#dddddd")
    return ImageOps.contain(upright, (_WIDTH - 6, _HEIGHT - 4))
