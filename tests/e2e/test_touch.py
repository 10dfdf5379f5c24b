"""Touch events of fingers, pens and palms on the pad."""

import re

import numpy as np
import pytest

from tests.e2e.handwriting import count_strokes, inked, on_screen
from tests.e2e.page import visit, wait_for_status
from tests.serving import ROOT

pytestmark = pytest.mark.browser


@pytest.fixture
def phone(browser, address):
    """Open the page on a touch screen; `phone.touch(kind, *points)` touches it."""
    options = {"viewport": {"width": 390, "height": 700}, "has_touch": True, "is_mobile": True}
    with visit(browser, address, **options) as page:
        session = page.context.new_cdp_session(page)

        def touch(kind, *points):
            at = on_screen(page)
            touches = [dict(zip("xy", at(x, y), strict=True), id=number) for number, x, y in points]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

        def pen(kind, x, y):
            left, top = on_screen(page)(x, y)
            event = {"type": kind, "x": left, "y": top, "button": "left", "pointerType": "pen"}
            session.send("Input.dispatchMouseEvent", event | {"buttons": 1, "clickCount": 1})

        page.touch, page.stylus = touch, pen
        yield page


def test_finger_draws_and_does_not_scroll(phone):
    phone.touch("touchStart", (1, 0.5, 0.9))
    for y in np.linspace(0.9, 0.1, 12):
        phone.touch("touchMove", (1, 0.5, float(y)))
    phone.touch("touchEnd")

    assert inked(phone) > 0.03
    assert phone.evaluate("scrollY") == 0
    wait_for_status(phone, re.compile(r"\d|not look like"))


def test_swipe_over_a_picture_keeps_the_picture(phone):
    phone.set_input_files("#image", str(ROOT / "static" / "4.jpg"))
    wait_for_status(phone, "This looks like a 4")

    phone.touch("touchStart", (1, 0.5, 0.9))
    for y in np.linspace(0.9, 0.1, 12):
        phone.touch("touchMove", (1, 0.5, float(y)))
    phone.touch("touchEnd")

    phone.wait_for_function("scrollY > 50")
    assert phone.locator("#preview").is_visible()
    assert inked(phone) == 0
    wait_for_status(phone, "This looks like a 4")


def test_second_finger_does_not_draw(phone):
    phone.touch("touchStart", (1, 0.2, 0.2))
    phone.touch("touchStart", (1, 0.2, 0.2), (2, 0.8, 0.8))
    phone.touch("touchMove", (1, 0.2, 0.5), (2, 0.8, 0.5))
    phone.touch("touchEnd")

    assert count_strokes(phone) == 1


def test_pen_draws_and_palm_does_not(phone):
    phone.stylus("mousePressed", 0.5, 0.2)
    phone.stylus("mouseMoved", 0.5, 0.5)
    phone.touch("touchStart", (1, 0.8, 0.9))
    phone.touch("touchMove", (1, 0.9, 0.9))
    phone.touch("touchEnd")
    phone.stylus("mouseMoved", 0.5, 0.8)
    phone.stylus("mouseReleased", 0.5, 0.8)

    assert count_strokes(phone) == 1
    assert inked(phone) == pytest.approx(0.6 * 0.085 + np.pi / 4 * 0.085**2, rel=0.15)


def test_pen_replaces_earlier_palm(phone):
    phone.touch("touchStart", (1, 0.8, 0.9))
    phone.stylus("mousePressed", 0.5, 0.2)
    phone.stylus("mouseMoved", 0.5, 0.8)
    phone.stylus("mouseReleased", 0.5, 0.8)
    phone.touch("touchEnd")

    assert count_strokes(phone) == 1
