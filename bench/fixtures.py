"""Draw four test images of the digit 4, and build the forms that upload them."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import ExifTags, Image, ImageDraw, ImageFilter, ImageFont

#: Digit in all images.
DIGIT = 4

#: EXIF orientation 6: a phone stores an upright photo rotated by 90 degrees.
_ROTATED_90 = 6

CONTENT_TYPE = "multipart/form-data; boundary=dlflask-bench-4f8a21"
_BOUNDARY = CONTENT_TYPE.partition("=")[2]


@dataclass(frozen=True)
class Fixture:
    """Image file for a request."""

    name: str
    media_type: str
    content: bytes

    def form(self, copies: int = 1) -> bytes:
        """Return a multipart body with `copies` parts named `image`, each with the image."""
        headers = (
            f"--{_BOUNDARY}\r\n"
            'Content-Disposition: form-data; name="image"; filename="4"\r\n'
            f"Content-Type: {self.media_type}\r\n\r\n"
        ).encode()
        return (headers + self.content + b"\r\n") * copies + f"--{_BOUNDARY}--\r\n".encode()


def make_fixtures() -> dict[str, Fixture]:
    """Draw the fixtures `small`, `middle`, `phone` and `large`, and return them by name."""
    # The small image is white on black and has the size of MNIST's images.
    digit = _draw(280, 280, margin=0.25, ink=255, paper=0).resize((28, 28), Image.Resampling.BOX)
    return {
        "small": Fixture("28x28 PNG", "image/png", _encode(digit, "PNG")),
        "middle": Fixture("400x400 JPEG", "image/jpeg", _encode(_draw(400, 400), "JPEG")),
        "phone": Fixture("12-megapixel JPEG", "image/jpeg", _phone_photo()),
        "large": Fixture("4000x4000 JPEG", "image/jpeg", _encode(_draw(4000, 4000), "JPEG")),
    }


def _phone_photo() -> bytes:
    """Draw a photo as a phone takes it: about 2 MB, uneven light, sensor noise, EXIF rotation."""
    width, height = 4032, 3024
    upright = np.asarray(_draw(height, width), np.float32)
    light = np.linspace(1.0, 0.6, height, dtype=np.float32)[None, :]
    # A grain of sensor noise is larger than a pixel. Draw the noise at half the resolution.
    grain = np.random.default_rng(4).normal(0, 3, (width // 2, height // 2)).astype(np.float32)
    grey = upright * light + grain.repeat(2, axis=0).repeat(2, axis=1)
    photo = Image.fromarray(grey.clip(0, 255).astype(np.uint8)).convert("RGB")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = _ROTATED_90
    return _encode(photo.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)


def _draw(
    width: int, height: int, margin: float = 0.5, *, ink: int = 40, paper: int = 225
) -> Image.Image:
    """Draw a 4 in the middle of a grey page.

    The height of the 4 is (1 - `margin`) times the shorter side of the page.
    """
    page = Image.new("L", (width, height), paper)
    side = min(width, height) * (1 - margin)
    # The digits of Pillow's font are about 0.75 times as high as the size of the font.
    font = ImageFont.load_default(side / 0.75)
    ImageDraw.Draw(page).text((width / 2, height / 2), str(DIGIT), ink, font, anchor="mm")
    # A pen stroke has a soft edge. The blur grows with the image, so that the images differ only in
    # scale.
    return page.filter(ImageFilter.BoxBlur(max(1, side // 200)))


def _encode(image: Image.Image, kind: str, **options: Image.Exif) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **(options if kind == "PNG" else {"quality": 90, **options}))
    return buffer.getvalue()
