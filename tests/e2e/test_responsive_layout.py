"""Layout of the page: themes, narrow screens, reduced motion, forced colours, screenshot."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.e2e.handwriting import write
from tests.e2e.page import visit, wait_for_status
from tests.screenshot import SIZE
from tests.serving import ROOT

pytestmark = pytest.mark.browser

#: All visible controls.
CONTROLS = "button:visible, .button:visible, label.switch, #width, #pad, summary"


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


@pytest.mark.parametrize("width", [320, 1280])
def test_controls_are_large_enough_for_fingers(browser, address, width):
    options = {"viewport": {"width": width, "height": 640}, "has_touch": True}
    with visit(browser, address, **options) as page:
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
