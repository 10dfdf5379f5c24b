"""Layout of the page: themes, narrow screens, reduced motion, forced colours, screenshot."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.e2e.handwriting import ink_on, inked, write, write_number
from tests.e2e.page import visit, wait_for_status
from tests.screenshot import SIZE
from tests.serving import ROOT

pytestmark = pytest.mark.browser

#: All visible controls.
CONTROLS = "button:visible, .button:visible, label.switch, #width, #pad, summary, #digits label"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_page_follows_the_theme(browser, address, theme, tmp_path):
    with visit(browser, address, color_scheme=theme) as page:
        write(page, 7)
        wait_for_status(page, "This looks like a 7")
        page.locator("#pad").screenshot(path=tmp_path / "pad.png")

    with Image.open(tmp_path / "pad.png") as picture:
        levels = np.asarray(picture.convert("L"))
    paper, ink = np.median(levels), levels[levels.shape[0] // 4, levels.shape[1] // 2]
    dark, light = (ink, paper) if theme == "light" else (paper, ink)
    assert dark < 60
    assert light > 200


@pytest.mark.parametrize("width", [320, 390, 719, 720, 1280])
def test_page_fits_the_screen_width(browser, address, width):
    with visit(browser, address, viewport={"width": width, "height": 640}) as page:
        page.click("summary")
        write(page, 7)
        wait_for_status(page, "This looks like a 7")

        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [320, 390])
def test_page_with_doubled_text_fits_the_screen_width(browser, address, width):
    with visit(browser, address, viewport={"width": width, "height": 844}) as page:
        page.evaluate("document.documentElement.style.fontSize = '32px'")
        page.get_by_role("button", name="Sample number 90210").click()
        wait_for_status(page, "90210")

        assert page.evaluate("document.documentElement.scrollWidth") <= width
        pen = page.locator("#width").bounding_box()
        assert pen["x"] + pen["width"] <= width


#: Returns the left edges of the first and last character of an element's text.
ENDS = """(one) => {
  const text = one.firstChild;
  return [0, text.length - 1].map((at) => {
    const range = new Range();
    range.setStart(text, at);
    range.setEnd(text, at + 1);
    return range.getBoundingClientRect().left;
  });
}"""


def test_figures_keep_their_order_in_a_page_from_right_to_left(page):
    page.evaluate("document.documentElement.dir = 'rtl'")
    write_number(page, "42")
    wait_for_status(page, "42")

    for query in ("#sentence", ".winner .percent", "tbody tr:first-child .percent"):
        first, last = page.locator(query).first.evaluate(ENDS)
        assert first < last, query
    four, two = (one.bounding_box()["x"] for one in page.locator("#digits label").all())
    assert four < two
    row = page.locator(".winner")
    label, bar = (row.locator(query).bounding_box() for query in ("th", "svg"))
    assert label["x"] + label["width"] <= bar["x"]


@pytest.mark.parametrize(("width", "least"), [(390, 1.4), (1366, 2.2)])
def test_pad_is_wide_enough_for_a_number(browser, address, width, least):
    with visit(browser, address, viewport={"width": width, "height": 768}) as page:
        pad = page.locator("#pad").bounding_box()

        assert pad["width"] / pad["height"] > least
        if width == 390:
            assert pad["width"] > 0.9 * width


def test_number_drawn_on_a_wide_pad_is_seen_whole_on_a_narrow_one(page):
    write_number(page, "90210", side=0.55, gap=-0.13)
    wait_for_status(page, "90210")
    before = inked(page)

    page.set_viewport_size({"width": 390, "height": 844})

    ink = ink_on(page)
    # The drawing is smaller, but its shape is the same.
    rows, columns = (np.ptp(np.flatnonzero(ink.any(axis))) for axis in (1, 0))
    assert columns / rows == pytest.approx(3.6, abs=0.3)
    assert 0.3 * before < inked(page) < before


@pytest.mark.parametrize("width", [320, 1280])
def test_controls_are_large_enough_for_fingers(browser, address, width):
    options = {"viewport": {"width": width, "height": 640}, "has_touch": True}
    with visit(browser, address, **options) as page:
        write_number(page, "42")
        page.locator("#digits label").last.wait_for()
        for control in page.locator(CONTROLS).all():
            box = control.bounding_box()
            assert min(box["width"], box["height"]) >= 44, control.inner_text()


def test_prediction_is_below_the_pad_on_a_phone(browser, address):
    with visit(browser, address, viewport={"width": 320, "height": 640}) as page:
        tops = [
            page.locator(part).bounding_box()["y"] for part in ("#pad", "#undo", "#status", "#form")
        ]

    assert tops == sorted(tops)
    assert tops[2] < 640, "the sentence is visible while drawing"


def test_reduced_motion(browser, address):
    with visit(browser, address, reduced_motion="reduce") as page:
        moving = page.evaluate(
            """[...document.querySelectorAll("*")].filter((one) =>
                 parseFloat(getComputedStyle(one).transitionDuration) > 0).length"""
        )

    assert moving == 0


def test_forced_colours_keep_ink_and_bars(browser, address):
    with visit(browser, address, forced_colors="active") as page:
        write(page, 7)
        wait_for_status(page, "This looks like a 7")
        colours = page.evaluate(
            """() => {
              const of = (query, name) => getComputedStyle(document.querySelector(query))[name];
              return [of("#pad", "color"), of("#pad", "backgroundColor"),
                      of(".winner rect", "fill"), of(".answer", "backgroundColor")];
            }"""
        )

    ink, paper, bar, screen = colours
    assert ink != paper
    assert bar != screen


def test_screenshot_command(tmp_path, browser):
    subprocess.run(
        [sys.executable, "-m", "tests.screenshot", tmp_path / "page.png"], cwd=ROOT, check=True
    )

    with Image.open(tmp_path / "page.png") as picture:
        assert picture.size == (SIZE["width"], SIZE["height"])
