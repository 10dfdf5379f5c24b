import numpy as np
import pytest

from dlflask.inference.model_graph import Golden, ModelGraph
from tests.inference.test_description import LOGITS

GOLDEN = Golden(np.arange(784, dtype=np.uint8).reshape(1, 28, 28), np.ones((1, 10), np.float32))
GRAPH = ModelGraph(b"<xml/>", b"\0\1", (28, 28, 1), LOGITS, '{"a": 1}', GOLDEN)


def test_graph_from_bytes_is_the_same():
    again = ModelGraph.from_bytes(GRAPH.to_bytes())

    assert again.description == LOGITS
    assert (again.xml, again.weights, again.input_shape) == (b"<xml/>", b"\0\1", (28, 28, 1))
    assert again.thresholds == '{"a": 1}'
    assert np.array_equal(again.golden.digits, GOLDEN.digits)
    assert np.array_equal(again.golden.outputs, GOLDEN.outputs)


@pytest.mark.parametrize("cut", [0, 10, 40, 200, -1])
def test_graph_from_incomplete_bytes(cut):
    with pytest.raises(ValueError, match="graph"):
        ModelGraph.from_bytes(GRAPH.to_bytes()[:cut])
