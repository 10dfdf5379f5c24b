"""Receipt of a number: everything needed to reproduce it."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from dlflask import __version__
from dlflask.digits.normalization import PREPROCESSING
from dlflask.digits.provenance import Runtime
from dlflask.numbers.normalization import STRIP_PREPROCESSING
from dlflask.numbers.prediction import NumberResult

#: Version of the steps from an image's bytes to strips and to the digits on them. Increase it with
#: any change in `line_finding`, `frames` or `digit_cutting`; the other steps have their own
#: versions.
LINE_PREPROCESSING = "1"

NUMBER_PREPROCESSING = f"{LINE_PREPROCESSING}.{STRIP_PREPROCESSING}.{PREPROCESSING}"


def number_receipt(result: NumberResult, strips: Runtime, digits: Runtime) -> dict[str, Any]:
    """Describe the input, the models and the software of a result.

    With the same models and runtime, the same strip gives the same text and probability. With the
    same preprocessing, the same image gives the same strips.

    Returns:
        The receipt. Each of `strips` is the width and, in base64, the values of a strip: 32 rows of
        little-endian float32.
    """
    return {
        "picture_sha256": hashlib.sha256(result.upload).hexdigest(),
        "length": str(result.lengths) if result.lengths else None,
        "preprocessing": NUMBER_PREPROCESSING,
        "strips": [
            {
                "width": line.strip.shape[1],
                "tensor": base64.b64encode(line.strip.astype("<f4").tobytes()).decode(),
            }
            for line in result.lines
        ],
        "model_sha256": strips.sha256,
        "digit_model_sha256": digits.sha256,
        "runtime": strips.runtime,
        "version": __version__,
    }
