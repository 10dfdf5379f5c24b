"""Drawing with the keyboard alone."""

import numpy as np
import pytest

from tests.e2e.handwriting import ink_on, inked
from tests.e2e.page import wait_for_status

pytestmark = pytest.mark.browser


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def test_draw_with_arrow_keys(page):
    page.focus("#pad")
    press(page, "Shift+ArrowLeft", "Shift+ArrowUp", "Space", *["ArrowRight"] * 10)
    press(page, *["ArrowDown", "ArrowDown", "ArrowLeft"] * 7, "Space")

    wait_for_status(page, "This looks like a 7")
    page.keyboard.press("Control+z")
    assert inked(page) == pytest.approx(0, abs=0.02), "only the cursor remains"
    page.keyboard.press("Control+Shift+Z")
    wait_for_status(page, "This looks like a 7")
    page.keyboard.press("Delete")
    wait_for_status(page, "Nothing to read yet.")


def test_screen_readers_hear_pen_and_position(page):
    page.focus("#pad")
    heard = []
    for key in ("ArrowRight", " ", "Shift+ArrowDown", " "):
        page.keyboard.press("Space" if key == " " else key)
        heard.append(page.inner_text("#cursor"))

    assert heard == [
        "row 7, column 33",
        "Pen down, row 7, column 33",
        "row 11, column 33",
        "Pen up, row 11, column 33",
    ]


def test_two_arrow_keys_draw_diagonally(page):
    page.focus("#pad")
    press(page, "Space")
    page.keyboard.down("ArrowRight")
    for _ in range(6):
        page.keyboard.down("ArrowDown")
    page.keyboard.up("ArrowDown")
    page.keyboard.up("ArrowRight")
    press(page, "Space")
    page.locator("#pad").blur()

    ink = ink_on(page)
    _, columns = np.nonzero(ink)
    right = (columns.max() - ink.shape[1] / 2) / len(ink)
    assert right == pytest.approx(7 / 28 + 0.0425, abs=0.02)


def test_keyboard_cursor_is_visible(page):
    assert inked(page) == 0

    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.id") == "pad"
    assert inked(page) > 0
    assert page.locator(".keys").is_visible()
