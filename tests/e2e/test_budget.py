"""Size and speed of the page. The figures are at the end of the test report."""

import numpy as np
import pytest

from tests.e2e.handwriting import draw
from tests.e2e.page import visit, wait_for_status

pytestmark = [pytest.mark.browser, pytest.mark.alone]

MAX_BYTES = 60_000
MAX_REQUESTS = 12
MAX_USABLE_SECONDS = 1.5
MAX_ANSWER_MS = 150

#: Slow 4G as in Chromium's developer tools and Lighthouse: 1.6 Mbit/s down and 750 kbit/s up, both
#: less 10 %, and a round trip of 150 ms, times 3.75 because the delay applies to whole requests.
SLOW_4G = {
    "offline": False,
    "latency": 562.5,
    "downloadThroughput": 1.6e6 * 0.9 / 8,
    "uploadThroughput": 750e3 * 0.9 / 8,
}

#: Enough that the 95th percentile is not a single value.
NUM_ANSWERS = 40
ROUNDS = 5


def test_page_weight(browser, address, figures):
    context = browser.new_context()
    page = context.new_page()
    responses = []
    page.on("response", lambda response: responses.append(response))  # noqa: PLW0108
    page.goto(address, wait_until="networkidle")
    sizes = {response.url: len(response.body()) for response in responses}
    context.close()

    total = sum(sizes.values())
    assert any(url.endswith("icon.svg") for url in sizes)
    figures.append(f"page: {total / 1e3:.1f} kB uncompressed in {len(sizes)} requests")
    assert total <= MAX_BYTES, sizes
    assert len(sizes) <= MAX_REQUESTS, sizes


def best_of(measure, budget):
    """Return the lowest of up to `ROUNDS` measurements; other load only adds time."""
    least = float("inf")
    for _ in range(ROUNDS):
        least = min(least, measure())
        if least <= budget:
            break
    return least


def test_page_load_time_on_slow_connection(browser, address, figures):
    def seconds_to_usable():
        context = browser.new_context()
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", SLOW_4G)
        page.goto(address)
        page.wait_for_selector("html.live")
        milliseconds = page.evaluate("performance.getEntriesByName('usable')[0].startTime")
        context.close()
        return milliseconds / 1e3

    seconds = best_of(seconds_to_usable, MAX_USABLE_SECONDS)

    figures.append(f"usable, cold on Slow 4G: {seconds:.2f} s")
    assert seconds <= MAX_USABLE_SECONDS


#: Records in `waits` the milliseconds from each pen-up to its prediction.
TIME_ANSWERS = """() => {
  window.waits = [];
  let lifted = 0;
  const raw = document.getElementById("raw");
  const pad = document.getElementById("pad");
  pad.addEventListener("pointerup", (event) => (lifted = event.timeStamp));
  new MutationObserver(() => {
    if (!lifted || !raw.textContent.startsWith("{")) return;
    window.waits.push(performance.now() - lifted);
    lifted = 0;
  }).observe(raw, { childList: true });
}"""


def test_prediction_latency_on_the_page(browser, address, figures):
    def p95_of_answers():
        with visit(browser, address) as page:
            page.evaluate(TIME_ANSWERS)
            for count in range(NUM_ANSWERS):
                x = 0.3 + 0.4 * count / NUM_ANSWERS
                draw(page, [(x, 0.2), (x + 0.03, 0.5), (x, 0.8)])
                page.wait_for_function("count => window.waits.length > count", arg=count)
                page.click("#clear")
                wait_for_status(page, "Waiting for a digit.")
            waits = page.evaluate("window.waits")
        median, p95 = np.percentile(waits, [50, 95])
        figures.append(f"pen-up to prediction: median {median:.0f} ms, p95 {p95:.0f} ms of 40")
        return p95

    assert best_of(p95_of_answers, MAX_ANSWER_MS) <= MAX_ANSWER_MS
