"""Samples of digits and numbers on the page."""

import re

import pytest

from tests.e2e.page import marked, status, visit, wait_for_answer, wait_for_status

pytestmark = pytest.mark.browser

SAMPLE = "**/static/samples/3.png"


def test_click_on_samples(page, figures):
    right = 0
    for digit in range(10):
        page.get_by_role("button", name=f"Sample {digit}").click()
        wait_for_answer(page)
        right += marked(page) == {digit: "answer"}
        page.click("#clear")
        wait_for_status(page, "Nothing to read yet.")

    figures.append(f"samples: {right} of 10 right")
    assert right >= 9


def test_samples_are_loaded_lazily(browser, address):
    requests = []
    with visit(browser, address) as page:
        page.on("request", lambda request: requests.append(request.url))
        page.get_by_role("button", name="Sample 3").click()
        wait_for_status(page, "This looks like a 3")

    assert [url.rpartition("/static/")[2] for url in requests if "static" in url] == [
        "samples/3.png"
    ]


def test_samples_of_numbers(page):
    for text in ("90210", "2026", "3.75"):
        page.get_by_role("button", name=f"Sample number {text}").click()
        wait_for_status(page, text)
        assert page.locator("#digits label").all_inner_texts() == re.findall(r"\d", text)


def test_sample_is_answered_within_sight_on_a_phone(browser, address):
    with visit(browser, address, viewport={"width": 320, "height": 640}) as phone:
        phone.get_by_role("button", name="Sample 4").click()

        wait_for_status(phone, "This looks like a 4")
        box = phone.locator("#sentence").bounding_box()
        assert 0 <= box["y"] <= 640 - box["height"]


@pytest.mark.parametrize("code", [429, 503])
def test_sample_is_requested_again_if_service_is_busy(page, code):
    page.route(
        SAMPLE,
        lambda route: route.fulfill(
            status=code, headers={"Retry-After": "1"}, json={"detail": "busy"}
        ),
    )
    page.get_by_role("button", name="Sample 3").click()
    wait_for_status(page, "The service is busy. Trying again")

    page.unroute(SAMPLE)

    wait_for_status(page, "This looks like a 3")


def test_missing_sample_shows_error(page):
    page.route(SAMPLE, lambda route: route.fulfill(status=404, json={"detail": "missing"}))

    page.get_by_role("button", name="Sample 3").click()

    page.locator("#sample-error", has_text="The sample could not be loaded.").wait_for()
    assert status(page) == "No answer."
