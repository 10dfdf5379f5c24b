"""Digits drawn by pen strokes, for tests, the page's samples and the README.

`python -m tests.drawing` writes static/4.jpg and the page's samples, static/samples/*.png and
static/samples/numbers/*.png.
"""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw

#: Points of each stroke, x to the right and y down, in a box of 100 x 100.
STROKES = {
    0: [[(52, 8), (28, 18), (18, 50), (28, 82), (50, 92), (74, 80), (82, 48), (72, 18), (50, 8)]],
    1: [[(34, 26), (52, 8), (52, 50), (51, 92)]],
    2: [[(22, 28), (34, 10), (60, 8), (76, 26), (66, 50), (40, 74), (20, 91), (50, 89), (82, 90)]],
    3: [
        [(24, 16), (48, 7), (72, 18), (70, 38), (44, 48)],
        [(44, 48), (72, 54), (80, 74), (58, 92), (34, 90), (20, 80)],
    ],
    4: [[(58, 6), (40, 36), (18, 64), (50, 65), (86, 64)], [(64, 36), (63, 64), (62, 94)]],
    5: [
        [(74, 9), (50, 10), (30, 11)],
        [(30, 11), (26, 44), (48, 40), (72, 50), (76, 74), (54, 92), (22, 84)],
    ],
    6: [
        [
            (66, 8),
            (40, 24),
            (24, 54),
            (26, 82),
            (48, 92),
            (70, 80),
            (72, 60),
            (52, 50),
            (32, 58),
            (25, 72),
        ]
    ],
    7: [[(20, 11), (50, 11), (80, 10), (62, 42), (48, 68), (40, 93)]],
    8: [
        [
            (70, 18),
            (48, 7),
            (28, 22),
            (36, 42),
            (62, 56),
            (74, 76),
            (52, 93),
            (28, 80),
            (36, 58),
            (62, 40),
            (72, 22),
            (68, 14),
        ]
    ],
    9: [
        [
            (72, 28),
            (58, 10),
            (34, 14),
            (26, 34),
            (42, 48),
            (64, 42),
            (72, 26),
            (70, 58),
            (60, 92),
        ]
    ],
}

#: Transposition of an upright image that a camera stores, by EXIF orientation.
STORED_AS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}

#: Factor by which a digit is drawn larger and then reduced, for smooth edges.
_OVERSAMPLING = 4


def draw_digit(label: int, size: int = 200, **options: object) -> Image.Image:
    """Draw a square RGB image of `label`; `_draw_digit` lists the options."""
    # A copy, because some tests draw on the image.
    return _draw_digit(label, size, **options).copy()


@cache
def _draw_digit(
    label: int,
    size: int,
    *,
    ink: object = (25, 25, 60),
    paper: object = (255, 255, 255),
    pen: float = 8.0,
    margin: float = 0.15,
) -> Image.Image:
    """Draw a digit; `pen` is the stroke's width in hundredths of the box."""
    side = size * _OVERSAMPLING
    image = Image.new("RGB", (side, side), paper)
    pencil = ImageDraw.Draw(image)
    box = side * (1 - 2 * margin) / 100
    radius = pen * box / 2
    for stroke in STROKES[label]:
        points = pen_path(stroke) * box + side * margin
        for x, y in points:
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)
    return image.resize((size, size), Image.Resampling.BOX)


def draw_number(text: str, size: int = 100, gap: int = -20, **options: object) -> Image.Image:
    """Draw digits beside each other; a point, comma or dash takes a third of a digit's width."""
    parts = []
    for character in text:
        if character.isdigit():
            parts.append(draw_digit(int(character), size, **options))
            continue
        paper = options.get("paper", (255, 255, 255))
        mark = Image.new("RGB", (size // 3, size), paper)
        pencil = ImageDraw.Draw(mark)
        ink = options.get("ink", (25, 25, 60))
        if character == "-":
            pencil.rectangle((0, size // 2, size // 3, size // 2 + size // 14), fill=ink)
        else:
            tail = size // 10 if character == "," else 0
            radius = size // 18
            top = size * 8 // 10 - radius
            pencil.ellipse((8, top, 8 + 2 * radius, top + 2 * radius), fill=ink)
            pencil.line((8 + radius, top + radius, 8, top + radius + tail), fill=ink, width=4)
        parts.append(mark)
    width = sum(part.width for part in parts) + gap * (len(parts) - 1)
    number = Image.new("RGB", (width, size), options.get("paper", (255, 255, 255)))
    left = 0
    for part in parts:
        # The darker of both, because boxes overlap.
        here = (left, 0, left + part.width, size)
        number.paste(ImageChops.darker(number.crop(here), part), here)
        left += part.width + gap
    return number


def draw_specks(count: int, side: int) -> Image.Image:
    """Draw specks of 2 to 5 pixels at random places on a square page."""
    rng = np.random.default_rng(0)
    page = np.full((side, side), 230, np.uint8)
    for top, left, height, width in zip(
        *rng.integers(0, side - 6, (2, count)), *rng.integers(2, 6, (2, count)), strict=True
    ):
        page[top : top + height, left : left + width] = 20
    return Image.fromarray(page)


def photograph(image: Image.Image, seed: int = 0) -> Image.Image:
    """Return `image` as a phone might photograph it: tilted, on ruled paper, shaded, noisy."""
    rng = np.random.default_rng(seed)
    width, height = image.size
    paper = (236, 232, 220)
    tilted = image.rotate(rng.uniform(-8, 8), Image.Resampling.BICUBIC, fillcolor=paper)
    page = np.minimum(np.asarray(tilted, np.float32), paper)
    page[8 :: max(12, height // 8)] -= (40, 20, 0)
    light = np.linspace(1, 0.55, width) * np.linspace(1, 0.8, height)[:, None]
    grain = rng.normal(0, 4, page.shape)
    return Image.fromarray(np.clip(page * light[..., None] + grain, 0, 255).astype(np.uint8))


def pen_path(stroke: list[tuple[int, int]]) -> np.ndarray:
    """Return (N, 2) points of the Catmull-Rom curve through `stroke`, in a box of 100 x 100."""
    points = np.array(stroke, float)
    ends = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, 60, endpoint=False)[:, None]
    pieces = [
        0.5
        * (
            2 * b
            + (c - a) * t
            + (2 * a - 5 * b + 4 * c - d) * t**2
            + (3 * b - 3 * c + d - a) * t**3
        )
        for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False)
    ]
    return np.concatenate([*pieces, points[-1:]])


#: Ink, paper, pen and margin of the page's samples. They differ as users' images do: blue on white,
#: chalk on a board, pencil, a yellow note.
_MATERIALS = (
    ((24, 52, 150), (255, 255, 255), 9.0, 0.16),
    ((245, 245, 240), (38, 70, 60), 10.0, 0.20),
    ((90, 90, 96), (244, 241, 232), 8.0, 0.24),
    ((40, 40, 60), (255, 233, 138), 10.0, 0.16),
    ((170, 30, 40), (255, 255, 255), 11.0, 0.20),
)


def draw_sample(label: int) -> Image.Image:
    """Draw the page's sample of `label`: 112 x 112 in eight colours, under a kilobyte as PNG."""
    ink, paper, pen, margin = _MATERIALS[label % len(_MATERIALS)]
    image = draw_digit(label, 112, ink=ink, paper=paper, pen=pen, margin=margin)
    return image.quantize(8, dither=Image.Dither.NONE)


#: Ink, paper and gap between the digits of the page's samples of numbers: a post code, a year on a
#: yellow note, and an amount in pencil.
NUMBERS = {
    "90210": ((24, 52, 150), (255, 255, 255), -24),
    "2026": ((40, 40, 60), (255, 233, 138), -16),
    "3.75": ((90, 90, 96), (244, 241, 232), -24),
}


def draw_number_sample(text: str) -> Image.Image:
    """Draw the page's sample of a number, 80 pixels high in eight colours."""
    ink, paper, gap = NUMBERS[text]
    image = draw_number(text, 80, gap, ink=ink, paper=paper, pen=10.0)
    return image.quantize(8, dither=Image.Dither.NONE)


def main(folder: Path) -> None:
    """Write the images under `folder`."""
    draw_digit(4, 280).save(folder / "4.jpg", quality=90)
    (folder / "samples").mkdir(exist_ok=True)
    for label in STROKES:
        draw_sample(label).save(folder / "samples" / f"{label}.png", optimize=True)
    (folder / "samples" / "numbers").mkdir(exist_ok=True)
    for text in NUMBERS:
        path = folder / "samples" / "numbers" / f"{text}.png"
        draw_number_sample(text).save(path, optimize=True)


if __name__ == "__main__":
    main(Path(__file__).parent.parent / "static")
