"""Predictions during drawing: one request at a time, always for the latest drawing."""

import time

import pytest

from tests.drawing import STROKES
from tests.e2e.fake_responses import answer
from tests.e2e.handwriting import MIDDLE, draw, inked, on_screen, stroke_at, write
from tests.e2e.page import marked, status, wait_for_status
from tests.serving import ROOT

pytestmark = pytest.mark.browser

PREDICT = "**/predictlabel*"


@pytest.fixture
def said(page):
    """Return a function that returns all texts of the status so far."""
    page.evaluate(
        """() => {
          window.said = [];
          const status = document.getElementById("status");
          new MutationObserver(() => window.said.push(status.textContent))
            .observe(status, { childList: true, characterData: true, subtree: true });
        }"""
    )
    return lambda: page.evaluate("window.said")


class Held:
    """Prediction requests that are held until the test answers them."""

    def __init__(self, page):
        self._page = page
        self.routes = []
        # Playwright sets an attribute on its handler, which list methods do not allow.
        page.route(PREDICT, lambda route: self.routes.append(route))  # noqa: PLW0108

    def wait_for(self, number):
        """Wait for and return request `number`, counted from 1."""
        deadline = time.monotonic() + 20
        while len(self.routes) < number and time.monotonic() < deadline:
            self._page.wait_for_timeout(5)  # lets Playwright process events
        return self.routes[number - 1]


def test_prediction_while_the_pen_rests(page, said):
    at = on_screen(page)
    points = stroke_at(STROKES[7][0], MIDDLE)
    page.mouse.move(*at(*points[0]))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*at(*point))
    page.locator(".winner th", has_text="7").wait_for()

    assert said() == [], "screen readers hear nothing while the pen is down"
    assert page.inner_text("#sentence").startswith("This looks like a 7")
    page.mouse.up()
    wait_for_status(page, "This looks like a 7")


def test_requests_are_sent_one_at_a_time_newest_next(page, said):
    held = Held(page)
    draw(page, [(0.3, 0.3), (0.3, 0.6)])
    first = held.wait_for(1)
    draw(page, [(0.5, 0.3), (0.5, 0.6)])
    draw(page, [(0.7, 0.3), (0.7, 0.6)])
    assert len(held.routes) == 1, "the second waits for the first"

    first.fulfill(json=answer(1))
    held.wait_for(2).fulfill(json=answer(3))
    wait_for_status(page, "This looks like a 3")

    assert len(held.routes) == 2, "the drawing of two strokes is never sent"
    assert [words for words in said() if "looks like" in words] == ["This looks like a 3 (91.0%)."]


def test_response_after_clear_is_ignored(page):
    held = Held(page)
    draw(page, [(0.3, 0.3), (0.3, 0.6)])
    first = held.wait_for(1)
    page.click("#clear")

    with page.expect_event("requestfinished"):
        first.fulfill(json=answer(1))
    inked(page)  # two frames later

    assert marked(page) == {}
    assert status(page) == "Nothing to read yet."


def test_busy_service_is_retried(page):
    held = Held(page)
    draw(page, [(0.3, 0.3), (0.3, 0.6)])

    held.wait_for(1).fulfill(status=503, headers={"Retry-After": "1"}, body="starting")
    wait_for_status(page, "The service is busy. Trying again")
    held.wait_for(2).fulfill(json=answer(1))

    wait_for_status(page, "This looks like a 1")


@pytest.mark.parametrize("seconds", ["-5", "0.001", "0"])
def test_retry_after_below_one_second_is_ignored(page, seconds):
    times = []

    def refuse(route):
        times.append(time.monotonic())
        route.fulfill(status=503, headers={"Retry-After": seconds}, body="busy")

    page.route(PREDICT, refuse)
    page.set_input_files("#image", str(ROOT / "static" / "4.jpg"))
    wait_for_status(page, "The service is busy. Trying again")
    while len(times) < 2:
        page.wait_for_timeout(5)  # lets Playwright process events
    assert times[1] - times[0] > 0.9


def test_lost_connection_is_shown_and_retried(page):
    page.context.set_offline(True)
    write(page, 7)
    wait_for_status(page, "The service cannot be reached. Trying again")

    page.context.set_offline(False)

    wait_for_status(page, "This looks like a 7")


def test_new_stroke_cancels_the_wait_for_a_retry(page):
    page.route(PREDICT, lambda route: route.fulfill(status=503, headers={"Retry-After": "9"}))
    draw(page, [(0.3, 0.3), (0.3, 0.6)])
    wait_for_status(page, "The service is busy.")
    page.unroute(PREDICT)

    page.click("#clear")
    write(page, 7)

    page.locator("#sentence", has_text="This looks like a 7").wait_for(timeout=5_000)


MISUNDERSTOOD = "The answer could not be understood. Reload the page."
WHOLE = answer(1)


@pytest.mark.parametrize(
    ("response", "words"),
    [
        pytest.param(
            {"status": 422, "json": {"detail": "The image shows no ink."}},
            "The image shows no ink.",
            id="problem",
        ),
        pytest.param({"status": 200, "body": "<html>"}, MISUNDERSTOOD, id="no-json"),
        *(
            pytest.param({"status": 200, "json": odd}, MISUNDERSTOOD, id=f"200-{name}")
            for name, odd in {
                "null": None,
                "number": 4,
                "list": [],
                "object": {},
                "without-details": {k: v for k, v in WHOLE.items() if k != "details"},
                "details-null": WHOLE | {"details": None},
                "details-text": WHOLE | {"details": "x"},
                "predictions-text": WHOLE | {"predictions": "0123456789"},
                "nine-predictions": WHOLE | {"predictions": WHOLE["predictions"][:9]},
                "no-numbers": WHOLE | {"predictions": [{"label": "0", "probability": "x"}] * 10},
                "label-99": WHOLE | {"most_probable_label": "99"},
                "input-of-one-row": WHOLE | {"details": WHOLE["details"] | {"input": [[0] * 28]}},
                "verdict": WHOLE | {"details": WHOLE["details"] | {"verdict": "perhaps"}},
            }.items()
        ),
        *(
            pytest.param({"status": 400, "json": odd}, MISUNDERSTOOD, id=f"400-{name}")
            for name, odd in {
                "null": None,
                "object": {},
                "4": {"detail": 4},
                "empty": {"detail": ""},
            }.items()
        ),
    ],
)
def test_error_is_shown_below_the_pad(page, response, words):
    page.route(PREDICT, lambda route: route.fulfill(**response))

    draw(page, [(0.3, 0.3), (0.3, 0.6)])

    page.locator("#pad-error", has_text=words).wait_for()
    assert status(page) == "No answer."
    page.unroute(PREDICT)
    write(page, 7)
    wait_for_status(page, "")
    page.locator("#pad-error:empty").wait_for(state="attached")
