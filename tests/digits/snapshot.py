"""Recorded tensors of a few drawn images, for the present version of the preprocessing.

`python -m tests.digits.snapshot` records them again, for a new `PREPROCESSING`.
"""

from pathlib import Path

import numpy as np

from dlflask.digits.normalization import PREPROCESSING, read_tensor
from tests.conftest import encode
from tests.drawing import STROKES, draw_digit
from tests.unusual_images import UNUSUAL_IMAGES

#: File of the recorded tensors, by version.
RECORD = Path(__file__).parent / f"preprocessing-{PREPROCESSING}.npz"

#: Images that together cover scale, ink, light, colour, rotation and reduction.
IMAGES = {f"digit-{label}": encode(draw_digit(label, 40 + 30 * label)) for label in STROKES} | {
    name: UNUSUAL_IMAGES[name]
    for name in ("16-bit-png", "red-on-nothing-webp", "turned-by-exif", "12-pixels", "3000-pixels")
}


def read_all():
    return {name: read_tensor(image) for name, image in IMAGES.items()}


if __name__ == "__main__":
    np.savez_compressed(RECORD, **read_all())
