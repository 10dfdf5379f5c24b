import numpy as np
import pytest
from PIL import Image, ImageDraw

from dlflask.numbers.lines.line_finding import find_lines
from dlflask.numbers.lines.page import read_page
from tests.conftest import encode
from tests.drawing import draw_number


def lines_of(picture):
    page, lines, _ = read_page(encode(picture), find_lines, lambda *_: [])
    return page, lines


def on_paper(number, width=420, height=240, left=40, top=60):
    paper = Image.new("RGB", (width, height), "white")
    paper.paste(number, (left, top))
    return paper


def ink_box(picture):
    """Return top, left, bottom and right of the dark pixels."""
    dark = np.asarray(picture.convert("L")) < 128
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    return [rows[0], columns[0], rows[-1] + 1, columns[-1] + 1]


def test_find_lines_box_of_a_number():
    picture = on_paper(draw_number("18014"))

    page, (line,) = lines_of(picture)

    assert page.scale == 1
    assert np.abs(np.subtract(line.box, ink_box(picture))).max() <= 2


def test_find_lines_box_is_in_pixels_of_the_page():
    picture = on_paper(draw_number("305", size=400), 2000, 1200, 300, 300)

    page, (line,) = lines_of(picture)

    assert page.scale == pytest.approx(4, abs=0.1)
    assert np.abs(np.multiply(line.box, page.scale) - ink_box(picture)).max() <= 8


def test_find_lines_two_lines_from_top_to_bottom():
    paper = Image.new("RGB", (400, 300), "white")
    paper.paste(draw_number("805"), (20, 160))
    paper.paste(draw_number("26"), (20, 20))

    _, (first, second) = lines_of(paper)

    assert first.box.bottom <= second.box.top
    assert first.box.right < second.box.right


@pytest.mark.parametrize("text", ["12.5", "12,5", "-35"])
def test_find_lines_keeps_separators_and_signs(text):
    picture = on_paper(draw_number(text, gap=0))

    _, (line,) = lines_of(picture)

    assert np.abs(np.subtract(line.box, ink_box(picture))).max() <= 2


@pytest.mark.parametrize("kind", ["frame", "comb", "ruling"])
def test_find_lines_without_printed_lines(kind):
    number = draw_number("4807", gap=0)
    picture = on_paper(number, 480, 200, 40, 50)
    box = ink_box(picture)
    pencil = ImageDraw.Draw(picture)
    if kind == "ruling":
        pencil.line((0, 160, 480, 160), fill="black", width=2)
    else:
        pencil.rectangle((30, 45, 450, 155), outline="black", width=2)
    for edge in (140, 240, 340) if kind == "comb" else ():
        pencil.line((edge, 45, edge, 155), fill="black", width=2)

    _, (line,) = lines_of(picture)

    assert np.abs(np.subtract(line.box, box)).max() <= 4


def test_find_lines_straightens_a_slope():
    tilted = on_paper(draw_number("180145"), 700, 400, 60, 150).rotate(8, fillcolor="white")

    _, (line,) = lines_of(tilted)

    rows = np.flatnonzero(line.ink.any(axis=1))
    assert rows[-1] - rows[0] < 0.8 * (line.box.bottom - line.box.top)


def test_find_lines_leaves_out_what_the_edge_cuts():
    paper = Image.new("RGB", (400, 180), "white")
    paper.paste(draw_number("1234", gap=0), (0, -75))
    paper.paste(draw_number("56", gap=0), (60, 60))

    _, lines = lines_of(paper)

    assert [line.box.top > 50 for line in lines] == [True]


def test_find_lines_of_specks_is_empty():
    rng = np.random.default_rng(0)
    paper = np.full((200, 300), 255, np.uint8)
    paper[rng.integers(0, 200, 40), rng.integers(0, 300, 40)] = 0

    assert lines_of(Image.fromarray(paper))[1] == []


@pytest.mark.parametrize(
    ("left", "top", "expected"),
    # Under the digits, as a comma that reaches far down; and apart, as a part of a frame.
    [(110, 135, "inside"), (300, 150, "outside")],
)
def test_find_lines_small_single_stroke_is_not_a_line(left, top, expected):
    picture = on_paper(draw_number("3052"))
    alone = ink_box(picture)
    ImageDraw.Draw(picture).line([(left + 8, top), (left, top + 34)], "black", 6)

    _, (line,) = lines_of(picture)

    assert np.abs(np.subtract(line.box, alone)).max() > 4 or expected == "outside"
    assert line.box.right <= alone[3] + 2


def test_find_lines_keeps_a_line_of_one_digit():
    paper = Image.new("RGB", (400, 300), "white")
    paper.paste(draw_number("805"), (20, 20))
    paper.paste(draw_number("7"), (20, 160))

    _, lines = lines_of(paper)

    assert len(lines) == 2
