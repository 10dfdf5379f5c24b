"""Receipt of a prediction: everything that is needed to repeat the prediction bit for bit."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Protocol

from dlflask import __version__
from dlflask.digits.normalization import PREPROCESSING
from dlflask.types import Tensor


class Runtime(Protocol):
    """Classifier with the attributes that `receipt` needs."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the model file, in hexadecimal."""

    @property
    def runtime(self) -> str:
        """Runtime, its version and the kind of processor."""


def receipt(upload: bytes, tensor: Tensor, classifier: Runtime) -> dict[str, Any]:
    """Describe the input, the model and the software of a prediction.

    The same model and runtime compute the same probabilities from the same tensor, bit for bit, in
    any worker and any batch. The same preprocessing makes the same tensor from the same image.

    Returns:
        The receipt. Its `tensor` is 784 little-endian float32 values in base64. If the base64 is
        decoded, the bytes are valid FP32 data for `POST /v2/models/mnist/infer`.
    """
    return {
        "picture_sha256": hashlib.sha256(upload).hexdigest(),
        "preprocessing": PREPROCESSING,
        "tensor": base64.b64encode(tensor.astype("<f4").tobytes()).decode(),
        "model_sha256": classifier.sha256,
        "runtime": classifier.runtime,
        "version": __version__,
    }
