"""Conversion of a model file to a graph of OpenVINO."""

from __future__ import annotations

import numpy as np

from dlflask.inference.keras_reader.read import read_digits, read_model
from dlflask.inference.keras_reader.saved_model import SavedModel
from dlflask.inference.keras_reader.trace import run, serialize, trace
from dlflask.inference.model_graph import ModelGraph
from dlflask.types import SIZE


def convert(saved: SavedModel, samples: bytes, count: int) -> ModelGraph:
    """Convert the model in a file, adapted to digits if there are sample digits.

    Args:
        saved: The file.
        samples: `count` images of 28 x 28 float32 in 0..1.
        count: Number of samples; without any, the graph takes and returns what the network does.
    """
    description = None
    if count:
        digits = np.frombuffer(samples, np.float32).reshape(count, SIZE, SIZE)
        found = read_digits(saved, digits, run)
        graph = trace(found.model, found.adaptation)
        description = found.description
    else:
        graph = trace(read_model(saved)[1].model)
    xml, weights = serialize(graph)
    shape = tuple(
        size.get_length() if size.is_static else -1
        for size in list(graph.input().partial_shape)[1:]
    )
    return ModelGraph(xml, weights, shape, description, saved.thresholds, saved.golden)
