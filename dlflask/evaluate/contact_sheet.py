"""Draw the worst mistakes of an evaluation.

A case is an image and its outcome. A tile is the part of the sheet that shows one case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from dlflask.client import REFUSED, UNREAD
from dlflask.digits.normalization import read_tensor
from dlflask.errors import ImageError
from dlflask.evaluate.outcomes import Case
from dlflask.imaging.cost.limited_file import CpuTimeLimit
from dlflask.imaging.decode import decode

#: Maximum number of tiles on a sheet, and number of tiles in each row.
MAX_WORST = 60
COLUMNS = 6

#: Sizes in pixels. The preview of a tensor has 112 = 4 * 28 pixels on each side. Thus each pixel of
#: the network's input is drawn 4 pixels wide and can be seen.
_SIDE = 112
_GAP = 8
_WIDTH = 2 * _SIDE + _GAP
_TEXT_HEIGHT = 34

#: People with any kind of colour blindness can distinguish these colours. The text in the tile
#: gives the same information. Source: Okabe, Ito, Color Universal Design, 2008.
_WRONG, _NON_DIGIT, _REFUSED = "#d55e00", "#0072b2", "#555555"


def choose_worst(cases: Sequence[Case], limit: int = MAX_WORST) -> list[Case]:
    """Return wrong predictions, most confident first, then refused images, then false digits.

    False digits are images without a digit that were called `digit`. If there are enough of them,
    they get at least a third of the tiles, and also the tiles that the other cases leave empty.
    """
    attempted = [case for case in cases if case.outcome.verdict != UNREAD]
    wrong = [case for case in attempted if case.image.label is not None and not case.is_right]
    false_digits = [case for case in attempted if case.image.label is None and case.is_called_digit]
    for worst in (wrong, false_digits):
        worst.sort(key=lambda case: -case.confidence)
    max_wrong = max(limit - len(false_digits), limit - limit // 3)
    return wrong[:max_wrong] + false_digits[: limit - min(len(wrong), max_wrong)]


def preview_digit(upload: bytes) -> Image.Image:
    """Draw the image beside the tensor that the network received."""
    preview = Image.new("RGB", (_WIDTH, _SIDE), "white")
    preview.paste(_thumbnail(upload, _SIDE))
    preview.paste(_tensor(upload), (_SIDE + _GAP, 0))
    return preview


def preview_number(upload: bytes) -> Image.Image:
    """Draw the image in the full width of a tile."""
    return _thumbnail(upload, _WIDTH)


def draw_contact_sheet(
    cases: Sequence[Case], preview: Callable[[bytes], Image.Image] = preview_digit
) -> Image.Image:
    """Draw a tile for each case: the preview of the image, and the outcome in words."""
    width, height = _WIDTH + _GAP, _SIDE + _TEXT_HEIGHT + _GAP
    rows = max(1, -(-len(cases) // COLUMNS))
    columns = min(COLUMNS, max(1, len(cases)))
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), "white")
    pen = ImageDraw.Draw(sheet)
    for index, case in enumerate(cases):
        left, top = index % COLUMNS * width + _GAP, index // COLUMNS * height + _GAP
        sheet.paste(preview(case.image.load()), (left, top))
        text, colour = _describe(case)
        pen.rectangle((left, top, left + _WIDTH - 1, top + _SIDE - 1), outline=colour)
        pen.text((left, top + _SIDE + 2), text, colour, ImageFont.load_default(11))
        # A tile has space for 38 characters. Show the end of the path, which names the file.
        name = case.image.name[-38:]
        pen.text((left, top + _SIDE + 19), name, "#555555", ImageFont.load_default(10))
    return sheet


def _describe(case: Case) -> tuple[str, str]:
    shown = case.image.label or "no digit"
    if case.outcome.verdict == REFUSED:
        return f"{shown} refused", _REFUSED
    label = (case.outcome.label or "nothing").replace("\n", " / ")
    colour = _WRONG if case.image.label else _NON_DIGIT
    return f"{shown} read as {label} at {case.confidence:.0%}"[:38], colour


def _thumbnail(upload: bytes, width: int) -> Image.Image:
    """Return the decoded image, `width` pixels wide, or a grey area if it cannot be decoded."""
    try:
        with decode(upload, CpuTimeLimit()) as decoded:
            pixels = decoded.cut()
    except ImageError:
        return Image.new("RGB", (width, _SIDE), "#dddddd")
    # Coloured pixels have the shape (3, height, width), which Pillow does not accept.
    image = Image.fromarray(pixels if pixels.ndim == 2 else np.moveaxis(pixels, 0, -1).copy())
    return ImageOps.pad(image.convert("RGB"), (width, _SIDE), color="white")


def _tensor(upload: bytes) -> Image.Image:
    """Return the network's input, enlarged, or a grey area if the image contains only paper."""
    try:
        tensor = read_tensor(upload)
    except ImageError:
        return Image.new("RGB", (_SIDE, _SIDE), "#dddddd")
    pixels = np.uint8(np.round(tensor * 255))
    return Image.fromarray(pixels).resize((_SIDE, _SIDE), Image.Resampling.NEAREST)
