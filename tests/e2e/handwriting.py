"""Drawing on the page's pad with real pointer events.

Coordinates are in units of the pad's height: 0 to 1 is the square in the middle of the pad.
"""

import base64

import numpy as np

from tests.drawing import STROKES, pen_path

#: Positions of a digit, as (left, top, side).
MIDDLE = (0.15, 0.15, 0.7)
CORNER = (0.03, 0.05, 0.38)


def write(page, digit, place=MIDDLE):
    """Draw `digit` stroke by stroke with the mouse."""
    for stroke in STROKES[digit]:
        draw(page, stroke_at(stroke, place))


def write_number(page, digits, side=0.6, gap=-0.1):
    """Draw `digits` beside each other around the middle, their boxes `gap` apart."""
    left = 0.5 - (len(digits) * (side + gap) - gap) / 2
    for i, digit in enumerate(digits):
        write(page, int(digit), (left + i * (side + gap), 0.5 - side / 2, side))


def draw(page, points):
    """Draw one stroke through `points`."""
    at = on_screen(page)
    page.mouse.move(*at(*points[0]))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*at(*point))
    page.mouse.up()


def stroke_at(stroke, place):
    """Return the points of a stroke of tests.drawing, moved to `place`."""
    left, top, side = place
    # Every eighth point, about as many as a mouse reports.
    path = pen_path(stroke)
    return [(left + x / 100 * side, top + y / 100 * side) for x, y in [*path[:-1:8], path[-1]]]


def on_screen(page):
    """Return a function from positions on the pad to coordinates of the window."""
    page.locator("#pad").scroll_into_view_if_needed()
    box = page.locator("#pad").bounding_box()
    left = box["x"] + (box["width"] - box["height"]) / 2
    return lambda x, y: (left + x * box["height"], box["y"] + y * box["height"])


#: Returns the alpha values of the pad row by row, after the next frame. It reads a copy, because
#: browsers warn about canvases that are read often.
_ALPHAS = """() => new Promise((resolve) =>
  requestAnimationFrame(() => requestAnimationFrame(() => {
  const pad = document.getElementById("pad");
  const copy = new OffscreenCanvas(pad.width, pad.height);
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(pad, 0, 0);
  const { data } = context.getImageData(0, 0, pad.width, pad.height);
  const alphas = data.filter((_, i) => i % 4 === 3);
  const text = Array.from(alphas, (one) => String.fromCharCode(one)).join("");
  resolve([btoa(text), pad.height, pad.width]);
})))"""


def ink_on(page):
    """Return the pixels of the pad, (height, width) bool, True for ink."""
    text, *shape = page.evaluate(_ALPHAS)
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(shape) > 127


def inked(page):
    """Return the area of the ink, in squares of the pad's height."""
    ink = ink_on(page)
    return float(ink.sum() / len(ink) ** 2)


def count_strokes(page):
    """Count the strokes by undoing all of them, then redo them."""
    count = 0
    while page.get_attribute("#undo", "aria-disabled") == "false":
        page.click("#undo")
        count += 1
    for _ in range(count):
        page.click("#redo")
    return count
