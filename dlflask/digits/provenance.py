"""A reading in, all that is needed to get the same answer again out."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Protocol

from dlflask import __version__
from dlflask.digits.normalization import PREPROCESSING
from dlflask.types import Tensor


class Runtime(Protocol):
    """What a receipt says of a classifier."""

    @property
    def sha256(self) -> str:
        """Of the model file, in hexadecimal."""

    @property
    def runtime(self) -> str:
        """What computes, on what kind of processor."""


def receipt(upload: bytes, tensor: Tensor, classifier: Runtime) -> dict[str, Any]:
    """What went in and what computed.

    The same tensor gives the same probabilities, bit for bit, from the same model and runtime, in
    any worker and any batch. The same picture gives the same tensor by the same preprocessing.

    Returns:
        `tensor` is 784 little-endian float32 in base64, as FP32 of POST /v2/models/mnist/infer.
    """
    return {
        "picture_sha256": hashlib.sha256(upload).hexdigest(),
        "preprocessing": PREPROCESSING,
        "tensor": base64.b64encode(tensor.astype("<f4").tobytes()).decode(),
        "model_sha256": classifier.sha256,
        "runtime": classifier.runtime,
        "version": __version__,
    }
