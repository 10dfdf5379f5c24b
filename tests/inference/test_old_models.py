"""Files of old versions of Keras, against the outputs of TensorFlow 2.15."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dlflask.inference.adaptation import Adaptation
from dlflask.inference.model_graph import ModelGraph
from dlflask.inference.openvino_runtime import compile_graph
from tests.inference.old_models import MAKERS, images
from tests.serving import ROOT

REFERENCE = json.loads(Path(__file__).with_name("old_models.json").read_text(encoding="utf-8"))

#: Converts all files in one process, as the reader converts one.
PROGRAM = """
import sys
from pathlib import Path
from dlflask.inference.environment import configure_runtime
configure_runtime()
from dlflask.inference.keras_reader.convert import convert
from dlflask.inference.keras_reader.saved_model import open_saved_model
for path in Path(sys.argv[1]).glob("*.h5"):
    with path.open("rb") as file:
        graph = convert(open_saved_model(file, print), b"", 0)
    path.with_suffix(".graph").write_bytes(graph.to_bytes())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a file and a graph of every kind."""
    folder = tmp_path_factory.mktemp("old")
    for name, make in MAKERS.items():
        make(folder / f"{name}.h5")
    environment = os.environ | {"KERAS_BACKEND": "openvino"}
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=120)
    return folder


@pytest.mark.parametrize("name", MAKERS)
def test_outputs_equal_tensorflow(folder, name):
    graph = ModelGraph.from_bytes((folder / f"{name}.graph").read_bytes())
    forward = compile_graph(graph)
    inputs = Adaptation(graph.input_shape).prepare(images())

    together = forward(inputs)
    single = forward(inputs[:1])

    assert np.abs(together - REFERENCE[name]).max() < 1e-5
    assert np.abs(single - REFERENCE[name][0]).max() < 1e-5
