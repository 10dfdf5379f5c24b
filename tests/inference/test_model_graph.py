import dataclasses

import numpy as np
import pytest

from dlflask.inference.graph_cache import MAX_GRAPHS, GraphCache
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


def test_cache_keeps_graphs_by_file_and_purpose(tmp_path):
    cache = GraphCache(tmp_path / "new", "digits")

    cache.write("a" * 64, GRAPH)

    assert cache.read("a" * 64).description == LOGITS
    assert cache.read("b" * 64) is None
    assert GraphCache(tmp_path / "new", "plain").read("a" * 64) is None


def test_cache_ignores_a_damaged_graph(tmp_path):
    cache = GraphCache(tmp_path, "digits")
    cache.write("a" * 64, GRAPH)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-1] + b"!")

    assert cache.read("a" * 64) is None


def test_cache_without_a_writable_folder(tmp_path):
    (tmp_path / "file").touch()
    for folder in (None, tmp_path / "file" / "graphs"):
        cache = GraphCache(folder, "digits")

        cache.write("a" * 64, GRAPH)

        assert cache.read("a" * 64) is None


def test_cache_deletes_the_oldest(tmp_path):
    cache = GraphCache(tmp_path, "digits")

    for number in range(MAX_GRAPHS + 3):
        cache.write(f"{number:064}", dataclasses.replace(GRAPH, xml=str(number).encode()))

    assert len(list(tmp_path.iterdir())) == MAX_GRAPHS
