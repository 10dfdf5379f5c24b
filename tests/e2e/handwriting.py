"""Drawing on the page's pad with real pointer events."""

import base64

import numpy as np

from tests.drawing import STROKES, pen_path

#: Positions of a digit, as (left, top, side) in fractions of the pad.
MIDDLE = (0.15, 0.15, 0.7)
CORNER = (0.03, 0.05, 0.38)


def write(page, digit, place=MIDDLE):
    """Draw `digit` stroke by stroke with the mouse."""
    for stroke in STROKES[digit]:
        draw(page, stroke_at(stroke, place))


def draw(page, points):
    """Draw one stroke through `points`, in fractions of the pad."""
    at = on_screen(page)
    page.mouse.move(*at(*points[0]))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*at(*point))
    page.mouse.up()


def stroke_at(stroke, place):
    """Return the points of a stroke of tests.drawing, moved to `place`, in fractions of the pad."""
    left, top, side = place
    # Every eighth point, about as many as a mouse reports.
    path = pen_path(stroke)
    return [(left + x / 100 * side, top + y / 100 * side) for x, y in [*path[:-1:8], path[-1]]]


def on_screen(page):
    """Return a function from fractions of the pad to coordinates of the window."""
    page.locator("#pad").scroll_into_view_if_needed()
    box = page.locator("#pad").bounding_box()
    return lambda x, y: (box["x"] + x * box["width"], box["y"] + y * box["height"])


#: Returns the alpha values of the pad row by row, after the next frame. It reads a copy, because
#: browsers warn about canvases that are read often.
_ALPHAS = """() => new Promise((resolve) =>
  requestAnimationFrame(() => requestAnimationFrame(() => {
  const pad = document.getElementById("pad");
  const copy = new OffscreenCanvas(pad.width, pad.width);
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(pad, 0, 0);
  const { data } = context.getImageData(0, 0, pad.width, pad.width);
  const alphas = data.filter((_, i) => i % 4 === 3);
  resolve(btoa(Array.from(alphas, (one) => String.fromCharCode(one)).join("")));
})))"""


def ink_on(page):
    """Return the pixels of the pad, (side, side) bool, True for ink."""
    alphas = np.frombuffer(base64.b64decode(page.evaluate(_ALPHAS)), np.uint8)
    side = int(len(alphas) ** 0.5)
    return alphas.reshape(side, side) > 127


def inked(page):
    """Return the share of the pad's pixels that are ink, 0..1."""
    return float(ink_on(page).mean())


def count_strokes(page):
    """Count the strokes by undoing all of them, then redo them."""
    count = 0
    while page.get_attribute("#undo", "aria-disabled") == "false":
        page.click("#undo")
        count += 1
    for _ in range(count):
        page.click("#redo")
    return count
