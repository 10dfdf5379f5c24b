"""A drawn 4 in unusual formats and colour modes, all of which the service must read."""

from functools import cache

import numpy as np
from PIL import Image, ImageOps

from tests.conftest import encode
from tests.drawing import draw_digit


def _with_alpha(colour):
    """Return the 4 as an image of one colour in which only the ink is opaque."""
    ink = ImageOps.invert(draw_digit(4, ink=(0, 0, 0)).convert("L"))
    image = Image.new("RGBA", ink.size, colour)
    image.putalpha(ink)
    return image


def _palette_with_transparency():
    image = draw_digit(4).quantize(8)
    paper = image.getpixel((0, 0))
    return encode(image, transparency=paper)


def _animation():
    frames = [draw_digit(4), draw_digit(0), draw_digit(8)]
    return encode(frames[0], "GIF", save_all=True, append_images=frames[1:])


def _sixteen_bits():
    grey = np.asarray(draw_digit(4).convert("L")).astype(np.uint16) * 257
    return Image.fromarray(grey)


def _rotated_by_exif():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown rotated clockwise by 90 degrees
    return encode(draw_digit(4).rotate(90), "JPEG", exif=exif)


#: Functions that make the files. Each process of a parallel test run imports this module, but only
#: some processes need the files, and drawing 3000 x 3000 pixels takes a second.
_MAKERS = {
    "animated-gif": _animation,
    "cmyk-jpeg": lambda: encode(draw_digit(4).convert("CMYK"), "JPEG"),
    "cmyk-tiff": lambda: encode(draw_digit(4).convert("CMYK"), "TIFF"),
    "16-bit-png": lambda: encode(_sixteen_bits()),
    "16-bit-tiff": lambda: encode(_sixteen_bits(), "TIFF"),
    "palette": lambda: encode(draw_digit(4).quantize(4)),
    "palette-with-transparency": _palette_with_transparency,
    "grey": lambda: encode(draw_digit(4).convert("L")),
    "grey-and-alpha": lambda: encode(_with_alpha("black").convert("LA")),
    "black-on-nothing": lambda: encode(_with_alpha("black")),
    "white-on-nothing": lambda: encode(_with_alpha("white")),
    "red-on-nothing-webp": lambda: encode(_with_alpha("red"), "WEBP"),
    "one-bit": lambda: encode(draw_digit(4).convert("1")),
    "white-on-black": lambda: encode(draw_digit(4, ink=(255, 255, 255), paper=(0, 0, 0))),
    "turned-by-exif": _rotated_by_exif,
    "bmp": lambda: encode(draw_digit(4), "BMP"),
    "avif": lambda: encode(draw_digit(4), "AVIF"),
    "webp": lambda: encode(draw_digit(4), "WEBP"),
    "progressive-jpeg": lambda: encode(draw_digit(4), "JPEG", progressive=True, quality=50),
    "12-pixels": lambda: encode(draw_digit(4, 12, pen=14)),
    "3000-pixels": lambda: encode(draw_digit(4, 3000), "JPEG"),
}

#: Names of the files.
UNUSUAL_IMAGES = tuple(_MAKERS)


@cache
def unusual_image(name):
    """Return the bytes of the file `name`."""
    return _MAKERS[name]()
