"""The page in a browser without JavaScript."""

import pytest

from tests.e2e.page import marked, status
from tests.serving import ROOT

pytestmark = pytest.mark.browser


def test_form_sends_the_file(plain_page):
    plain_page.set_input_files("#image", ROOT / "static" / "4.jpg")
    plain_page.click("text=Read the picture")

    assert status(plain_page).startswith("This looks like a 4 (")
    assert marked(plain_page) == {4: "answer"}
    assert plain_page.locator("#read-as").inner_text() == "4"


def test_button_sends_the_sample(plain_page):
    plain_page.get_by_role("button", name="Sample 3").click()

    assert marked(plain_page) == {3: "answer"}


def test_error_is_shown_next_to_the_form(plain_page):
    plain_page.click("text=Read the picture")

    assert "No picture was chosen" in plain_page.inner_text("#picture-error")
    assert status(plain_page) == "No answer."


def test_controls_that_need_javascript_are_hidden(plain_page):
    hidden = ["#pad", "#undo", "#paste", "#camera", "#copy", "#overlay", "summary"]

    assert [part for part in hidden if plain_page.locator(part).is_visible()] == []
    assert plain_page.locator("#image").is_visible()
    assert plain_page.locator("#curl").is_visible()


def test_number_and_its_digits_are_shown(plain_page):
    plain_page.get_by_role("button", name="Sample number 2026").click()

    assert "2026" in status(plain_page)
    assert plain_page.locator("#digits summary").all_inner_texts() == list("2026")
    plain_page.locator("#digits summary", has_text="6").click()
    rows = plain_page.locator("#digits details[open] tbody tr")
    assert rows.locator("nth=6").inner_text().split()[:2] == ["6", "answer"]
    assert plain_page.locator("#digits details[open] .seen rect").count() > 20
