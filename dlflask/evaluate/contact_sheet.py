"""Draw the worst mistakes of an evaluation: each image beside the tensor that the network received.

A case is an image and its outcome. A tile is the part of the sheet that shows one case.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from dlflask.client import REFUSED, UNREAD
from dlflask.digits.normalization import normalize
from dlflask.errors import BlankImage, ImageError
from dlflask.evaluate.outcomes import Case
from dlflask.imaging.read_ink import read_ink

#: Maximum number of tiles on a sheet, and number of tiles in each row.
MAX_WORST = 60
COLUMNS = 6

#: Sizes in pixels. A preview has 112 = 4 * 28 pixels on each side. Thus each pixel of the network's
#: input is drawn 4 pixels wide and can be seen.
_SIDE = 112
_GAP = 8
_TEXT_HEIGHT = 34
_TILE = (2 * _SIDE + 2 * _GAP, _SIDE + _TEXT_HEIGHT + _GAP)

#: People with any kind of colour blindness can distinguish these colours. The text in the tile
#: gives the same information. Source: Okabe, Ito, Color Universal Design, 2008.
_WRONG, _NON_DIGIT, _REFUSED = "#d55e00", "#0072b2", "#555555"


def choose_worst(cases: Sequence[Case], limit: int = MAX_WORST) -> list[Case]:
    """Return wrong digits, most confident first, then refused digits, then accepted non-digits.

    Accepted non-digits are images without a digit that were called `digit`. They get at least a
    third of the tiles if there are enough accepted non-digits, plus the tiles that digits leave
    empty.
    """
    attempted = [case for case in cases if case.outcome.verdict != UNREAD]
    wrong = [case for case in attempted if case.image.label is not None and not case.is_right]
    accepted = [case for case in attempted if case.image.label is None and case.is_called_digit]
    for worst in (wrong, accepted):
        worst.sort(key=lambda case: -case.confidence)
    max_wrong = max(limit - len(accepted), limit - limit // 3)
    return wrong[:max_wrong] + accepted[: limit - min(len(wrong), max_wrong)]


def draw_contact_sheet(cases: Sequence[Case]) -> Image.Image:
    """Draw a tile for each case: the image, the 28x28 tensor, and the outcome in words."""
    rows = max(1, -(-len(cases) // COLUMNS))
    columns = min(COLUMNS, max(1, len(cases)))
    sheet = Image.new("RGB", (columns * _TILE[0] + _GAP, rows * _TILE[1] + _GAP), "white")
    for index, case in enumerate(cases):
        row, column = divmod(index, COLUMNS)
        sheet.paste(_draw_tile(case), (column * _TILE[0] + _GAP, row * _TILE[1] + _GAP))
    return sheet


def _draw_tile(case: Case) -> Image.Image:
    tile = Image.new("RGB", (_TILE[0] - _GAP, _TILE[1] - _GAP), "white")
    thumbnail, tensor = _previews(case.image.load())
    tile.paste(thumbnail, ((_SIDE - thumbnail.width) // 2, (_SIDE - thumbnail.height) // 2))
    tile.paste(tensor, (_SIDE + _GAP, 0))
    text, colour = _describe(case)
    pen = ImageDraw.Draw(tile)
    pen.rectangle((0, 0, _SIDE - 1, _SIDE - 1), outline=colour)
    pen.text((0, _SIDE + 2), text, colour, ImageFont.load_default(13))
    # Show the end of the path, because it is more specific than the beginning.
    pen.text((0, _SIDE + 19), case.image.name[-38:], "#555555", ImageFont.load_default(10))
    return tile


def _describe(case: Case) -> tuple[str, str]:
    label = "no digit" if case.image.label is None else str(case.image.label)
    if case.outcome.verdict == REFUSED:
        return f"shows {label}, refused", _REFUSED
    text = f"shows {label}, read {case.predicted} at {case.confidence:.0%}"
    return text, _NON_DIGIT if case.image.label is None else _WRONG


def _previews(upload: bytes) -> tuple[Image.Image, Image.Image]:
    """Return previews of the image and of its tensor, at most 112 pixels wide and high.

    A preview is grey if the image cannot be decoded or if it has no tensor.
    """
    thumbnail = tensor = Image.new("RGB", (_SIDE, _SIDE), "#dddddd")
    try:
        ink = read_ink(upload)
        thumbnail = _thumbnail(upload)
        pixels = np.uint8(np.round(normalize(ink) * 255))
        tensor = Image.fromarray(pixels).resize((_SIDE, _SIDE), Image.Resampling.NEAREST)
    except BlankImage:
        thumbnail = _thumbnail(upload)
    except ImageError:
        pass
    return thumbnail, tensor


def _thumbnail(upload: bytes) -> Image.Image:
    """Return the image as a browser shows it on a light grey page.

    The caller has already checked that the image can be decoded.
    """
    with Image.open(BytesIO(upload)) as image:
        upright = ImageOps.exif_transpose(image).convert("RGBA")
    upright.thumbnail((_SIDE, _SIDE))
    page = Image.new("RGBA", upright.size, "#eeeeee")
    page.alpha_composite(upright)
    return page.convert("RGB")
