"""Recorded tensors of a few drawn images, for the present version of the preprocessing.

`python -m tests.digits.snapshot` records them again, for a new `PREPROCESSING`.
"""

from pathlib import Path

import numpy as np

from dlflask.digits.normalization import PREPROCESSING, read_tensor
from tests.conftest import encode
from tests.drawing import STROKES, draw_digit
from tests.unusual_images import unusual_image

#: File of the recorded tensors, by version.
RECORD = Path(__file__).parent / f"preprocessing-{PREPROCESSING}.npz"

_UNUSUAL = ("16-bit-png", "red-on-nothing-webp", "turned-by-exif", "12-pixels", "3000-pixels")


def draw_all():
    """Return images that together cover scale, ink, light, colour, rotation and reduction."""
    digits = {f"digit-{label}": encode(draw_digit(label, 40 + 30 * label)) for label in STROKES}
    return digits | {name: unusual_image(name) for name in _UNUSUAL}


def read_all():
    return {name: read_tensor(image) for name, image in draw_all().items()}


if __name__ == "__main__":
    np.savez_compressed(RECORD, **read_all())
