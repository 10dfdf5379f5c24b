"""Running of networks by Keras itself, in this process, on a backend such as TensorFlow."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dlflask.errors import ModelError
from dlflask.inference.description import ModelDescription
from dlflask.inference.environment import configure_runtime
from dlflask.inference.load_graph import open_model, refusal
from dlflask.inference.model_graph import ModelGraph
from dlflask.inference.openvino_runtime import Forward
from dlflask.types import SIZE, Outputs, Tensor


def load_forward(path: Path, samples: Callable[[], Tensor]) -> tuple[str, ModelGraph, Forward]:
    """Load the digit model at `path` without a graph.

    Returns:
        The SHA-256 of the file, the facts in the file with an empty graph, and a function from
        tensors (N, 28, 28) to probabilities (N, classes).

    Raises:
        ModelError: The file cannot be read or is not a model that can be served.
    """
    configure_runtime()
    from dlflask.inference.keras_reader.read import read_digits  # noqa: PLC0415
    from dlflask.inference.keras_reader.saved_model import open_saved_model  # noqa: PLC0415

    version = [""]
    with open_model(path) as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        try:
            saved = open_saved_model(file, lambda found: version.__setitem__(0, found))
            found = read_digits(saved, samples(), _run)
        except ModelError as error:
            raise ModelError(refusal(path, version[0], str(error))) from error
        except Exception as error:  # a file may make Keras raise anything
            words = (
                f"is damaged, or is not as Keras writes models ({type(error).__name__}). Copy or "
                "download it again, or save it again with `model.save`."
            )
            raise ModelError(refusal(path, version[0], words)) from error
    run, adaptation = _run(found.model), found.adaptation
    description: ModelDescription = found.description
    facts = ModelGraph(b"", b"", (SIZE, SIZE), description, saved.thresholds, saved.golden)
    return sha256, facts, lambda batch: adaptation.finish(run(adaptation.prepare(batch)))


def _run(model: object) -> Callable[[Tensor], Outputs]:
    def forward(batch: Tensor) -> Outputs:
        outputs: Outputs = np.asarray(model.predict_on_batch(batch))  # type: ignore[attr-defined]
        return outputs

    return forward
