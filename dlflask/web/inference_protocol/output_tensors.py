"""Outputs of an inference response.

Source: see the module `tensors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlflask.web.inference_protocol.bytes_tensors import join_texts
from dlflask.web.inference_protocol.tensors import BINARY_TYPES


def encode_output(
    name: str, datatype: str, values: NDArray[Any] | Sequence[Sequence[str]], *, as_binary: bool
) -> tuple[dict[str, Any], bytes]:
    """Return the JSON object and the binary data of an output.

    If `as_binary` is false, the values are in the JSON, and the binary data are empty. The numbers
    in the JSON have enough digits to restore each float32 exactly.
    """
    array = np.asarray(values)
    tensor: dict[str, Any] = {"name": name, "datatype": datatype, "shape": list(array.shape)}
    if not as_binary:
        return tensor | {"data": array.ravel().tolist()}, b""
    if datatype == "BYTES":
        binary = join_texts(map(str, array.ravel()))
    else:
        binary = array.astype(BINARY_TYPES[datatype]).tobytes()
    return tensor | {"parameters": {"binary_data_size": len(binary)}}, binary
