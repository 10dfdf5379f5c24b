"""Receipt of a result: all data that is needed to repeat the reading of the image."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from dlflask import __version__
from dlflask.digits.normalization import PREPROCESSING
from dlflask.digits.provenance import Runtime
from dlflask.numbers.normalization import STRIP_PREPROCESSING
from dlflask.numbers.prediction import NumberResult

#: Version of the steps that find the lines of an image and cut the lines into digits. Increase it
#: with any change in `dlflask.numbers.lines` that may change a strip or a digit. The normalisation
#: of strips and the normalisation of digits have their own versions.
LINE_PREPROCESSING = "2"

#: Versions of all steps between an image and the inputs of both networks.
NUMBER_PREPROCESSING = f"{LINE_PREPROCESSING}.{STRIP_PREPROCESSING}.{PREPROCESSING}"


def number_receipt(
    result: NumberResult, number_network: Runtime, digit_network: Runtime
) -> dict[str, Any]:
    """Describe the input, the models and the software of a result.

    With the same models and runtime, the same strip (input of the number network) gives the same
    text and probability. With the same preprocessing, the same image gives the same strips.

    Returns:
        The receipt. Its `strips` give the width and the values of each strip. The values are 32
        rows of little-endian float32, in base64.
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
        "model_sha256": number_network.sha256,
        "digit_model_sha256": digit_network.sha256,
        "runtime": number_network.runtime,
        "version": __version__,
    }
