"""A case's name in, the bytes of a picture of a 4 and the form that carries it out.

Drawn here, the same on every machine but for the JPEG encoder's version.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, ImageDraw, ImageFilter

#: What every picture shows, and what a server that recognises must answer.
DIGIT = 4

#: The strokes of the 4 as x, y in 0..1.
_STROKES = (
    ((0.42, 0.08), (0.16, 0.56), (0.84, 0.56)),
    ((0.64, 0.30), (0.60, 0.94)),
)

#: Turned by a quarter: how phones store a picture that was taken upright.
_QUARTER_TURN = 6

CONTENT_TYPE = "multipart/form-data; boundary=dlflask-bench-4f8a21"
_BOUNDARY = CONTENT_TYPE.partition("=")[2]


@dataclass(frozen=True)
class Picture:
    """A file as a client would send it."""

    name: str
    media_type: str
    content: bytes

    @property
    def form(self) -> bytes:
        """The body of a multipart request with this picture in the part `image`."""
        return form(self)


def form(picture: Picture, copies: int = 1) -> bytes:
    """The body of a multipart request that holds the picture `copies` times, as `image`."""
    head = (
        f"--{_BOUNDARY}\r\n"
        'Content-Disposition: form-data; name="image"; filename="4"\r\n'
        f"Content-Type: {picture.media_type}\r\n\r\n"
    ).encode()
    return (head + picture.content + b"\r\n") * copies + f"--{_BOUNDARY}--\r\n".encode()


def small_png() -> Picture:
    """28 x 28, white on black, as MNIST's digits are."""
    digit = _draw_strokes(280, 280, 0.25, ink=255, paper=0).resize((28, 28), Image.Resampling.BOX)
    return Picture("28x28 PNG", "image/png", _encode(digit, "PNG"))


def middle_jpeg() -> Picture:
    """400 x 400, dark on light, as scans and page captures are."""
    return Picture("400x400 JPEG", "image/jpeg", _encode(_draw(400, 400), "JPEG"))


def hundredfold_jpeg() -> Picture:
    """4000 x 4000: the picture before with 100 times as many pixels."""
    return Picture("4000x4000 JPEG", "image/jpeg", _encode(_draw(4000, 4000), "JPEG"))


def phone_jpeg() -> Picture:
    """12 megapixels with a fall of light, grain and an EXIF turn, about 2 MB."""
    width, height = 4032, 3024
    upright = np.asarray(_draw(height, width), np.float32)
    light = np.linspace(1.0, 0.6, height, dtype=np.float32)[None, :]
    # Sensors give grain at a coarser scale than their pixels: half as many, twice as large.
    grain = np.random.default_rng(4).normal(0, 3, (width // 2, height // 2)).astype(np.float32)
    grey = upright * light + grain.repeat(2, axis=0).repeat(2, axis=1)
    photo = Image.fromarray(grey.clip(0, 255).astype(np.uint8)).convert("RGB")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = _QUARTER_TURN
    exif[ExifTags.Base.Make] = "bench"
    stored = photo.transpose(Image.Transpose.ROTATE_90)
    return Picture("12-megapixel JPEG", "image/jpeg", _encode(stored, "JPEG", exif=exif))


PICTURES: dict[str, Callable[[], Picture]] = {
    "small": small_png,
    "middle": middle_jpeg,
    "phone": phone_jpeg,
    "hundredfold": hundredfold_jpeg,
}


def _draw(width: int, height: int) -> Image.Image:
    return _draw_strokes(width, height, 0.5, ink=40, paper=225)


def _draw_strokes(width: int, height: int, margin: float, *, ink: int, paper: int) -> Image.Image:
    """A 4 in the middle of a grey page; `margin` is the share of the side around it."""
    page = Image.new("L", (width, height), paper)
    side = min(width, height) * (1 - margin)
    left, top, pen = (width - side) / 2, (height - side) / 2, round(side * 0.11)
    draw = ImageDraw.Draw(page)
    for stroke in _STROKES:
        points = [(left + x * side, top + y * side) for x, y in stroke]
        draw.line(points, fill=ink, width=pen, joint="curve")
        for x, y in (points[0], points[-1]):
            draw.circle((x, y), pen / 2, fill=ink)
    # A pen's edge is not a step; the radius follows the size, so that copies differ in scale only.
    return page.filter(ImageFilter.BoxBlur(max(1, side // 200)))


def _encode(picture: Image.Image, kind: str, **options: Image.Exif) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **(options if kind == "PNG" else {"quality": 90, **options}))
    return buffer.getvalue()
