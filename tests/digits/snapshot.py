"""The tensors that the present preprocessing makes of a few drawn pictures, recorded.

`python -m tests.digits.snapshot` writes them anew, for a new `PREPROCESSING`.
"""

from pathlib import Path

import numpy as np

from dlflask.digits.normalization import PREPROCESSING, read_tensor
from tests.conftest import encode
from tests.drawing import STROKES, draw_digit
from tests.unusual_pictures import UNUSUAL_PICTURES

#: One recording, of one version.
RECORD = Path(__file__).parent / f"preprocessing-{PREPROCESSING}.npz"

#: What one kind of fault or another would change: scale, ink, light, colour, turn, reduction.
PICTURES = {f"digit-{label}": encode(draw_digit(label, 40 + 30 * label)) for label in STROKES} | {
    name: UNUSUAL_PICTURES[name]
    for name in ("16-bit-png", "red-on-nothing-webp", "turned-by-exif", "12-pixels", "3000-pixels")
}


def read_all():
    return {name: read_tensor(picture) for name, picture in PICTURES.items()}


if __name__ == "__main__":
    np.savez_compressed(RECORD, **read_all())
