"""The drawing pad: ink, undo and pen width, with real pointer events."""

import numpy as np
import pytest

from tests.drawing import STROKES
from tests.e2e.handwriting import (
    CORNER,
    MIDDLE,
    count_strokes,
    draw,
    inked,
    stroke_at,
    write,
)
from tests.e2e.page import marked, status, visit, wait_for_answer, wait_for_status

pytestmark = pytest.mark.browser

LINE = [(0.5, 0.2), (0.5, 0.5), (0.5, 0.8)]

#: Stroke widths of half of MNIST's training digits, in pixels, by `stroke_width`.
MNIST_STROKE_QUARTILES = (2.29, 3.00)


def stroke_width(tensor):
    """Return the mean stroke width of a (28, 28) digit: twice its area by its outline's length.

    Source: the coarea formula; the sum of gradients is the length of a soft outline, too.
    """
    return 2 * tensor.sum() / np.hypot(*np.gradient(tensor)).sum()


@pytest.mark.parametrize("place", [MIDDLE, CORNER], ids=["middle", "corner"])
def test_drawn_digits_are_recognised(page, place, figures):
    read = {}
    for digit in STROKES:
        write(page, digit, place)
        wait_for_answer(page)
        read[digit] = [d for d, mark in marked(page).items() if mark == "answer"]
        page.click("#clear")
        wait_for_status(page, "Nothing to read yet.")

    right = [digit for digit in STROKES if read[digit] == [digit]]
    figures.append(f"drawn {'small' if place is CORNER else 'large'}: {len(right)} of 10 right")
    assert len(right) >= 9, read


def test_default_pen_has_the_stroke_width_of_mnist(page):
    widths = []
    for digit in STROKES:
        # The prediction after the last stroke is that of the whole digit.
        for stroke in STROKES[digit]:
            with page.expect_response("**/predictlabel*") as response:
                draw(page, stroke_at(stroke, MIDDLE))
        widths.append(stroke_width(np.array(response.value.json()["details"]["input"]) / 255))
        page.click("#clear")

    thinnest, thickest = MNIST_STROKE_QUARTILES
    assert thinnest < np.median(widths) < thickest


def test_undo_redo_and_clear(page):
    draw(page, LINE)
    one = inked(page)
    draw(page, [(0.2, 0.5), (0.8, 0.5)])
    two = inked(page)

    page.click("#undo")
    assert inked(page) == pytest.approx(one)
    page.click("#redo")
    assert inked(page) == pytest.approx(two)
    page.click("#clear")
    assert inked(page) == 0
    assert status(page) == "Nothing to read yet."
    page.click("#undo")
    assert inked(page) == pytest.approx(two), "clearing can be undone too"
    draw(page, LINE)
    assert page.get_attribute("#redo", "aria-disabled") == "true"


def test_click_draws_a_dot(page):
    draw(page, [(0.5, 0.5)])

    assert inked(page) == pytest.approx(np.pi / 4 * 0.085**2, rel=0.1)


def test_pen_width(page):
    draw(page, LINE)
    usual = inked(page)
    page.click("#clear")
    page.locator("#width").fill("14")
    draw(page, LINE)

    assert inked(page) > 1.4 * usual


def test_stroke_continues_outside_the_pad(page):
    draw(page, [(0.5, 0.5), (1.2, 0.5), (1.2, 0.8), (0.5, 0.8)])

    assert count_strokes(page) == 1


@pytest.mark.parametrize(
    "size", [(1280, 500), (720, 900), (320, 640)], ids=["low", "half", "phone"]
)
def test_resize_keeps_the_ink(page, size):
    write(page, 8)
    before = inked(page)
    wait_for_answer(page)
    answer = status(page)

    page.set_viewport_size({"width": size[0], "height": size[1]})

    assert inked(page) == pytest.approx(before, rel=0.08)
    assert status(page) == answer
    assert count_strokes(page) == len(STROKES[8])


def test_canvas_resolution_follows_the_screen(browser, address):
    with visit(browser, address, device_scale_factor=3) as page:
        draw(page, LINE)

        assert inked(page) > 0
        ratio = page.locator("#pad").evaluate("pad => pad.width / pad.clientWidth")
        assert ratio == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_image_is_sent_as_dark_ink_on_white_in_any_theme(browser, address, theme):
    with visit(browser, address, color_scheme=theme) as page:
        with page.expect_response("**/predictlabel*") as response:
            draw(page, LINE)

        seen = np.array(response.value.json()["details"]["input"])
        picture = page.evaluate(
            """async () => {
              const { Ink } = await import("/static/ink.js");
              const ink = new Ink();
              ink.begin(0, -0.3, 0.085, 2);
              ink.extend(0, 0.3);
              const bitmap = await createImageBitmap(await ink.toBlob());
              const context = new OffscreenCanvas(280, 280)
                .getContext("2d", { willReadFrequently: true });
              context.drawImage(bitmap, 0, 0);
              const at = (x, y) => [...context.getImageData(x, y, 1, 1).data];
              return [bitmap.width, bitmap.height, at(2, 2), at(140, 140)];
            }"""
        )
        assert seen[14, 13:15].max() == 255
        assert picture == [280, 280, [255] * 4, [0, 0, 0, 255]]
