"""Large pages of which costly images are made."""

from PIL import Image

from tests.drawing import draw_digit

#: Bytes of an upload, nearly the limit.
UPLOAD_BYTES = 16_000_000


def page(width, height, mode="RGB"):
    """Return a large white page with a 4."""
    drawn = Image.new("RGB", (width, height), "white")
    if min(width, height) > 40:
        drawn.paste(draw_digit(4, min(width, height) // 4), (width // 3, height // 3))
    return drawn.convert(mode)


def small_digit(width, height, mode="RGB"):
    """Return a large white page with a 4 so small that the part around it is read again."""
    drawn = Image.new("RGB", (width, height), "white")
    drawn.paste(draw_digit(4, width // 20, pen=12), (width // 3, height // 3))
    return drawn.convert(mode)
