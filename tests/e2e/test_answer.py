"""Display of a prediction: sentence, rows and input of the network."""

import base64
import random

import numpy as np
import pytest

from dlflask.web.presentation import View, percent
from tests.e2e.fake_responses import OUTPUTS_BY_VERDICT, answer_of, result_of
from tests.e2e.handwriting import draw
from tests.e2e.page import marked, status, wait_for_status
from tests.serving import ROOT

pytestmark = pytest.mark.browser

FOUR = str(ROOT / "static" / "4.jpg")


def test_script_describes_predictions_like_the_server(page):
    chance = np.random.default_rng(0)
    outputs = [*OUTPUTS_BY_VERDICT.values(), *chance.dirichlet(np.full(11, 0.15), 200)]
    views = [View(result_of(one)) for one in outputs]

    said = page.evaluate(
        """async (answers) => {
          const { sentence } = await import("/static/result.js");
          return answers.map(sentence);
        }""",
        [answer_of(one) for one in outputs],
    )

    assert {view.verdict for view in views} == set(OUTPUTS_BY_VERDICT)
    assert said == [view.sentence for view in views]


def test_script_rounds_like_the_server(page):
    numbers = random.Random(0)  # noqa: S311  no secret
    fractions = [0, 0.0005, 0.0625, 0.5, 0.9994999, 0.9995, 1] + [
        numbers.random() for _ in range(500)
    ]

    said = page.evaluate(
        """async (fractions) => {
          const { percent } = await import("/static/result.js");
          return fractions.map(percent);
        }""",
        fractions,
    )

    assert said == [percent(fraction) for fraction in fractions]


@pytest.mark.parametrize(
    ("verdict", "says", "marks", "tile"),
    [
        ("digit", "This looks like a 4 (90.9%).", {4: "answer"}, ["4"]),
        ("unsure", "Not sure: 9 or 4.", {4: "maybe", 9: "maybe"}, ["9", "4"]),
        ("not_a_digit", "This does not look like a digit.", {}, []),
    ],
)
def test_verdict_is_shown(page, verdict, says, marks, tile):
    page.route(
        "**/predictlabel*", lambda route: route.fulfill(json=answer_of(OUTPUTS_BY_VERDICT[verdict]))
    )

    page.set_input_files("#image", FOUR)

    wait_for_status(page, says)
    assert status(page) == says
    assert marked(page) == marks
    assert page.locator("#read-as b").all_inner_texts() == tile
    rows = page.locator("#probabilities tbody th").all_inner_texts()
    assert rows == [str(digit) for digit in range(10)]


def test_reason_is_shown_if_no_digit_is_seen(page):
    outputs = OUTPUTS_BY_VERDICT["not_a_digit"]
    page.route("**/predictlabel*", lambda route: route.fulfill(json=answer_of(outputs)))

    page.set_input_files("#image", FOUR)

    wait_for_status(page, "This does not look like a digit.")
    words = View(result_of(outputs)).explanation
    assert words == "Not a digit: 90.0%. The bars only compare the digits with each other."
    assert page.inner_text("#note") == f"{words} Read as a number, it may be 4."


@pytest.mark.parametrize(
    ("points", "advice"),
    [
        ([(0.5, 0.5), (0.52, 0.55)], "Draw it larger, or with a thinner pen."),
        ([(0.5, 0.5), (0.5, 1.04)], "Part of the drawing is outside the pad."),
        ([(0.5, 0.2), (0.5, 0.8)], ""),
    ],
)
def test_advice_for_a_drawing_that_is_not_read(page, points, advice):
    outputs = OUTPUTS_BY_VERDICT["unsure"]
    page.route("**/predictlabel*", lambda route: route.fulfill(json=answer_of(outputs)))

    draw(page, points)

    wait_for_status(page, "Not sure: 9 or 4.")
    assert page.inner_text("#note") == advice


def test_network_input_is_shown_as_sent_by_the_server(page):
    with page.expect_response("**/predictlabel*") as response:
        page.set_input_files("#image", FOUR)
    wait_for_status(page, "This looks like a 4")
    details = response.value.json()["details"]

    coloured = seen(page)
    page.get_by_label("Colour the pixels that decided it").uncheck()
    plain = seen(page)

    ink, saliency = np.array(details["input"]), np.array(details["saliency"])
    assert np.array_equal(plain, np.repeat(ink[..., None], 3, axis=2))
    assert np.array_equal(coloured[..., 0], ink)
    assert np.allclose(coloured[..., 2], ink * (1 - 0.9 * saliency / 255), atol=0.51)
    assert saliency.max() == 255


def seen(page):
    """Return the shown input of the network, (28, 28, 3) uint8."""
    pixels = page.evaluate(
        """() => {
          const copy = new OffscreenCanvas(28, 28).getContext("2d", { willReadFrequently: true });
          copy.drawImage(document.getElementById("seen"), 0, 0);
          return btoa(String.fromCharCode(...copy.getImageData(0, 0, 28, 28).data));
        }"""
    )
    return np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(28, 28, 4)[..., :3]
