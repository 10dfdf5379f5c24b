"""Loading and running of networks by Keras in this process, on a backend such as TensorFlow."""

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
    """Load the digit model at `path` as a Keras network, without making a graph.

    Args:
        path: An `.h5` or `.keras` file.
        samples: Function that returns the sample digits 0 to 9, (10, 28, 28) in 0..1.

    Returns:
        The SHA-256 of the file, a `ModelGraph` with an empty graph and the facts in the file, and a
        function from tensors of shape (N, 28, 28) to probabilities of shape (N, classes).

    Raises:
        ModelError: The file cannot be read or is not a model that can be served.
    """
    configure_runtime()
    from dlflask.inference.keras_reader.read import read_digits  # noqa: PLC0415
    from dlflask.inference.keras_reader.saved_model import open_saved_model  # noqa: PLC0415

    # Version of Keras that saved the file, in a list so that a callback can store it.
    version = [""]
    with open_model(path) as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        try:
            saved = open_saved_model(file, lambda text: version.__setitem__(0, text))
            found = read_digits(saved, samples(), _run)
        except ModelError as error:
            raise ModelError(refusal(path, version[0], str(error))) from error
        except Exception as error:  # a file may make Keras raise anything
            reason = (
                f"The file cannot be read as a Keras model ({type(error).__name__}). If the file "
                "is damaged, copy or download it again. Otherwise, save the model again with "
                "`model.save`."
            )
            raise ModelError(refusal(path, version[0], reason)) from error
    run, adaptation = _run(found.model), found.adaptation
    description: ModelDescription = found.description
    facts = ModelGraph(b"", b"", (SIZE, SIZE), description, saved.thresholds, saved.golden)
    return sha256, facts, lambda batch: adaptation.finish(run(adaptation.prepare(batch)))


def _run(model: object) -> Callable[[Tensor], Outputs]:
    def forward(batch: Tensor) -> Outputs:
        outputs: Outputs = np.asarray(model.predict_on_batch(batch))  # type: ignore[attr-defined]
        return outputs

    return forward
