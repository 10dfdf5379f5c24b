import numpy as np
import pytest

from dlflask.inference.load_graph import load_graph
from dlflask.inference.openvino_runtime import compile_graph
from dlflask.numbers.network import StripNetwork
from tests.serving import ROOT


@pytest.fixture(scope="module")
def forward():
    return compile_graph(load_graph(ROOT / "mnist_model.h5")[1])


def test_forward_accepts_every_array(forward):
    batch = np.random.default_rng(0).random((4, 28, 28), np.float32)
    expected = forward(batch)
    read_only = batch.copy()
    read_only.flags.writeable = False
    part = np.repeat(batch, 2, axis=0)[::2]

    assert np.array_equal(forward(read_only), expected)
    assert np.array_equal(forward(part), expected)


def test_outputs_stay_after_the_next_batch(forward):
    first, second = np.random.default_rng(0).random((2, 3, 28, 28), np.float32)

    outputs = forward(first)
    kept = outputs.copy()
    forward(second)

    assert np.array_equal(outputs, kept)


def test_strip_network_rejects_outputs_of_another_strip(monkeypatch):
    network = StripNetwork(ROOT / "number_model.h5")
    outputs = network(np.zeros((32, 64), np.float32))
    monkeypatch.setattr(network, "_forward", lambda _: outputs[None])

    with pytest.raises(MemoryError, match="ran out of memory"):
        network(np.zeros((32, 96), np.float32))
