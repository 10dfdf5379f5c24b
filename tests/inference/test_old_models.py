"""Files of old versions of Keras, against the outputs of TensorFlow 2.15."""

import json
from pathlib import Path

import numpy as np
import pytest

from dlflask.inference.adaptation import Adaptation
from dlflask.inference.model_graph import ModelGraph
from dlflask.inference.openvino_runtime import compile_graph
from tests.inference.old_models import CONV, MAKERS, conv, images, sequential, write
from tests.serving import ROOT

REFERENCE = json.loads(Path(__file__).with_name("old_models.json").read_text(encoding="utf-8"))

#: Files of other people, beside the project if they are there.
MODELS = ROOT.parent / "shared" / "data" / "models-dev"
MNIST = ROOT.parent / "shared" / "data" / "mnist" / "mnist.npz"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, convert_files):
    """Return a folder with a file and a graph of every kind."""
    folder = tmp_path_factory.mktemp("old")
    convert_files(folder, [make(folder / f"{name}.h5") for name, make in MAKERS.items()])
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


@pytest.mark.slow
def test_graph_of_any_width(tmp_path, convert_files):
    """A network without Dense layers reads lines of text of any width."""
    config = sequential(conv(batch_input_shape=[None, 28, None, 1]))
    convert_files(tmp_path, [write(tmp_path / "model.h5", config, {"conv": CONV})])
    graph = ModelGraph.from_bytes((tmp_path / "model.graph").read_bytes())
    forward = compile_graph(graph)
    lines = images().reshape(1, 28, 84, 1)

    assert graph.input_shape == (28, -1, 1)
    assert forward(lines).shape == (1, 13, 41, 3)
    assert np.allclose(forward(lines[:, :, :28]), forward(lines)[:, :, :13], atol=1e-6)


@pytest.mark.slow
@pytest.mark.skipif(not MODELS.exists(), reason="the models of other people are not here")
def test_outputs_of_public_files_equal_tensorflow(tmp_path, convert_files):
    """The reference holds the outputs for the first 64 test digits in 0..1."""
    expected = np.load(MODELS / "reference.npz")
    with np.load(MNIST) as data:
        digits = data["x_test"][:64].astype(np.float32) / np.float32(255)

    convert_files(tmp_path, [MODELS / name for name in expected.files])

    for name in expected.files:
        graph = ModelGraph.from_bytes((tmp_path / f"{name[:-3]}.graph").read_bytes())
        found = compile_graph(graph)(Adaptation(graph.input_shape).prepare(digits))
        assert np.abs(found - expected[name]).max() < 1e-4, name
