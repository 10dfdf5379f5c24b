"""Accessibility: WCAG 2.2 AA by axe-core in every state, and checks that axe-core does not have."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.fake_responses import OUTPUTS_BY_VERDICT, answer_of
from tests.e2e.handwriting import write, write_number
from tests.e2e.page import status, visit, wait_for_status
from tests.serving import ROOT

pytestmark = pytest.mark.browser

FOLDER = Path(__file__).parent
AXE = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
PREDICT = "**/predictlabel*"


@pytest.fixture(scope="module")
def axe():
    """Return the source of axe-core; install it next to this file if it is missing."""
    if not AXE.is_file():
        if shutil.which("npm") is None:
            pytest.skip("npm is not installed")
        subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=FOLDER, check=True, timeout=300)
    return AXE.read_text(encoding="utf-8")


def leave_empty(page):
    assert status(page) == "Nothing to read yet."


def answer(page, verdict):
    page.route(PREDICT, lambda route: route.fulfill(json=answer_of(OUTPUTS_BY_VERDICT[verdict])))
    write(page, 4)
    page.locator(f"[data-verdict={verdict}]").wait_for()
    page.click("summary")


def send_text(page):
    page.set_input_files("#image", ROOT / "README.md")
    page.locator("#picture-error", has_text="not a supported image format").wait_for()


def send_a_picture(page):
    page.set_input_files("#image", ROOT / "static" / "4.jpg")
    wait_for_status(page, "This looks like a 4")


def write_a_number(page):
    write_number(page, "42")
    page.locator("#digits label").last.wait_for()


def be_busy(page):
    page.route(PREDICT, lambda route: route.fulfill(status=503))
    write(page, 4)
    wait_for_status(page, "The service is busy.")


STATES = {
    "empty": leave_empty,
    "answered": lambda page: answer(page, "digit"),
    "unsure": lambda page: answer(page, "unsure"),
    "not-a-digit": lambda page: answer(page, "not_a_digit"),
    "picture": send_a_picture,
    "number": write_a_number,
    "error": send_text,
    "busy": be_busy,
    "keys": lambda page: page.focus("#pad"),
    "reference": lambda page: page.goto(f"{page.url}reference"),
}


@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_no_violation(browser, address, axe, *, state, theme, width):
    options = {"color_scheme": theme, "viewport": {"width": width, "height": 900}}
    # Without motion, so that axe-core does not measure colours in a transition.
    with visit(browser, address, reduced_motion="reduce", **options) as page:
        STATES[state](page)
        violations = violations_of(page, axe)

    assert violations == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_violation_in_page_rendered_by_the_server(browser, address, axe, theme):
    with visit(browser, address, loads_script=False, color_scheme=theme) as page:
        page.get_by_role("button", name="Sample number 2026").click()
        wait_for_status(page, "2026")
        page.locator("summary", has_text="6").click()
        violations = violations_of(page, axe)

    assert violations == []


def violations_of(page, axe):
    # With axe-core's best practices, which are stricter than WCAG.
    page.evaluate(axe)
    found = page.evaluate("axe.run({ rules: { 'target-size': { enabled: true } } })")
    return [
        (rule["id"], node["html"], node["failureSummary"])
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def test_page_has_one_first_level_heading(page):
    assert page.locator("h1").count() == 1
    assert page.get_by_role("main").count() == 1


def test_pad_describes_its_keys(page):
    label = page.get_attribute("#pad", "aria-label")

    assert all(key in label for key in ("Arrow", "Space", "Control Z", "Delete"))


def test_focus_is_visible_on_every_control(page):
    write(page, 4)
    wait_for_status(page, "This looks like a 4")
    page.evaluate("document.activeElement.blur()")
    unseen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => {
              const one = document.activeElement;
              if (one === document.body) return null;
              const shown = ["file", "radio"].includes(one.type) ? one.nextElementSibling : one;
              const { outlineWidth } = getComputedStyle(shown);
              return [one.id || one.textContent.trim(), parseFloat(outlineWidth)];
            }"""
        )
        if seen is None:
            break
        if seen[1] < 2:
            unseen.append(seen[0])

    assert unseen == []
