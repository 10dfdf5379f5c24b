"""The worst answers in, one picture out: each upload beside what the network saw of it."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from dlflask.client import REFUSED, UNREAD
from dlflask.digits.normalization import normalize
from dlflask.errors import BlankImage, ImageError
from dlflask.evaluate.outcomes import Answer
from dlflask.imaging.decode import read_ink

MAX_WORST = 60
COLUMNS = 6

#: Pixels: 4 for each of the network's, so that they can be counted.
_SIDE = 112
_GAP = 8
_TEXT_HEIGHT = 34
_TILE = (2 * _SIDE + 2 * _GAP, _SIDE + _TEXT_HEIGHT + _GAP)

# Told apart by people of every colour vision, and said in words as well.
# Source: Okabe, Ito, Color Universal Design, 2008.
_WRONG, _NON_DIGIT, _REFUSED = "#d55e00", "#0072b2", "#555555"


def choose_worst(answers: Sequence[Answer], limit: int = MAX_WORST) -> list[Answer]:
    """The wrong answers, the surest first; then digits refused, then what is no digit.

    Of non-digits those called `digit` are wrong. They get at most a third of the places, or what
    the digits leave.
    """
    known = [answer for answer in answers if answer.outcome.verdict != UNREAD]
    wrong = [a for a in known if a.picture.label is not None and not a.is_right]
    called = [a for a in known if a.picture.label is None and a.is_called_digit]
    for worst in (wrong, called):
        worst.sort(key=lambda answer: -answer.confidence)
    room = max(limit - len(called), limit - limit // 3)
    return wrong[:room] + called[: limit - min(len(wrong), room)]


def draw_sheet(answers: Sequence[Answer]) -> Image.Image:
    """A tile for each of `answers`: the upload, the 28x28 tensor, and what was said, in words."""
    rows = max(1, -(-len(answers) // COLUMNS))
    columns = min(COLUMNS, max(1, len(answers)))
    sheet = Image.new("RGB", (columns * _TILE[0] + _GAP, rows * _TILE[1] + _GAP), "white")
    for index, answer in enumerate(answers):
        row, column = divmod(index, COLUMNS)
        sheet.paste(_draw_tile(answer), (column * _TILE[0] + _GAP, row * _TILE[1] + _GAP))
    return sheet


def _draw_tile(answer: Answer) -> Image.Image:
    tile = Image.new("RGB", (_TILE[0] - _GAP, _TILE[1] - _GAP), "white")
    picture, tensor = _look(answer.picture.load())
    tile.paste(picture, ((_SIDE - picture.width) // 2, (_SIDE - picture.height) // 2))
    tile.paste(tensor, (_SIDE + _GAP, 0))
    text, colour = _describe(answer)
    pen = ImageDraw.Draw(tile)
    pen.rectangle((0, 0, _SIDE - 1, _SIDE - 1), outline=colour)
    pen.text((0, _SIDE + 2), text, colour, ImageFont.load_default(13))
    # The end of a name tells more than its beginning.
    name = answer.picture.name[-38:]
    pen.text((0, _SIDE + 19), name, "#555555", ImageFont.load_default(10))
    return tile


def _describe(answer: Answer) -> tuple[str, str]:
    truth = answer.picture.label
    shown = "no digit" if truth is None else str(truth)
    if answer.outcome.verdict == REFUSED:
        return f"shows {shown}, refused", _REFUSED
    said = f"shows {shown}, read {answer.guess} at {answer.confidence:.0%}"
    return said, _NON_DIGIT if truth is None else _WRONG


def _look(upload: bytes) -> tuple[Image.Image, Image.Image]:
    """The picture and its tensor, each at most 112 pixels; grey where it cannot be shown."""
    nothing = Image.new("RGB", (_SIDE, _SIDE), "#dddddd")
    try:
        ink = read_ink(upload)
    except BlankImage:
        return _thumbnail(upload), nothing
    except ImageError:
        return nothing, nothing
    try:
        tensor = normalize(ink)
    except BlankImage:
        return _thumbnail(upload), nothing
    grey = Image.fromarray(np.uint8(np.round(tensor * 255)))
    return _thumbnail(upload), grey.resize((_SIDE, _SIDE), Image.Resampling.NEAREST)


def _thumbnail(upload: bytes) -> Image.Image:
    """The picture as a browser shows it on a light grey page; it is known to decode."""
    with Image.open(BytesIO(upload)) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGBA")
    upright.thumbnail((_SIDE, _SIDE))
    page = Image.new("RGBA", upright.size, "#eeeeee")
    page.alpha_composite(upright)
    return page.convert("RGB")
