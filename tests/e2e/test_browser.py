"""The page in a real browser, with and without JavaScript."""

import subprocess
import sys

import pytest
from PIL import Image

from tests.serving import ROOT

pytestmark = pytest.mark.browser

FOUR = str(ROOT / "static" / "4.jpg")


@pytest.fixture(params=[True, False], ids=["javascript", "no-javascript"])
def page(request, browser, server):
    """A page of the service, and the complaints of its console."""
    context = browser.new_context(java_script_enabled=request.param)
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.foreign = []
    host = f"http://127.0.0.1:{server}/"
    page.on("request", lambda r: r.url.startswith((host, "blob:")) or page.foreign.append(r.url))
    page.goto(host)
    page.has_script = request.param
    yield page
    context.close()


def send(page, path):
    page.set_input_files("#image", path)
    if not page.has_script:
        page.click("button[type=submit]")


def test_a_picture_is_answered_with_ten_probabilities(page):
    send(page, FOUR)

    page.get_by_text("This looks like a 4").wait_for(timeout=10_000)
    percents = page.locator("#probabilities tbody td span").all_inner_texts()
    assert len(percents) == 10
    assert all(percent.endswith("%") for percent in percents)
    assert page.locator(".winner th").all_inner_texts() == ["4"]
    assert page.complaints == []
    assert page.foreign == []


def test_a_fault_is_said_in_words(page, tmp_path):
    text = tmp_path / "4.png"
    text.write_text("I am a 4")

    send(page, str(text))

    page.get_by_text("no picture format").wait_for(timeout=10_000)
    assert page.locator("#status.error").count() == 1


def test_the_screenshot_of_the_readme_is_made(tmp_path, browser):
    subprocess.run(
        [sys.executable, "-m", "tests.screenshot", tmp_path / "page.png"], cwd=ROOT, check=True
    )

    with Image.open(tmp_path / "page.png") as picture:
        assert picture.size == (960, 640)


def test_the_page_fits_a_narrow_screen(page):
    page.set_viewport_size({"width": 320, "height": 640})

    width = page.locator("body").evaluate("body => body.scrollWidth") if page.has_script else 320
    assert width <= 320
