"""Large pages to draw costly images from."""

from PIL import Image

from tests.drawing import draw_digit

#: As large as an upload may be, nearly.
UPLOAD_BYTES = 16_000_000


def page(width, height, mode="RGB"):
    """A large white page with a 4 on it."""
    drawn = Image.new("RGB", (width, height), "white")
    if min(width, height) > 40:
        drawn.paste(draw_digit(4, min(width, height) // 4), (width // 3, height // 3))
    return drawn.convert(mode)


def small_digit(width, height, mode="RGB"):
    """A large white page with a 4 so small that the part around it is decoded again."""
    drawn = Image.new("RGB", (width, height), "white")
    drawn.paste(draw_digit(4, width // 20, pen=12), (width // 3, height // 3))
    return drawn.convert(mode)
