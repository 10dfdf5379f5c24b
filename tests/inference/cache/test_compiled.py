import numpy as np
import pytest

from dlflask.config import Config
from dlflask.digits.classifier import identify_samples, read_samples
from dlflask.inference.cache.files import keep
from dlflask.inference.load_graph import load_graph
from dlflask.inference.openvino_runtime import compile_graph

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def graph():
    config = Config()
    return load_graph(config.model_path, read_samples, config.graph_folder, identify_samples())[1]


@pytest.fixture(scope="module")
def expected(graph):
    return compile_graph(graph)(read_samples())


def test_imported_network_equals_the_compiled_one(graph, expected, tmp_path):
    compile_graph(graph, tmp_path)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    imported = compile_graph(graph, tmp_path)

    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == files
    assert len(files) == len(["one image", "several images"])
    assert np.array_equal(imported(read_samples()), expected)
    alone = compile_graph(graph)
    for tensor in read_samples():
        assert np.array_equal(imported(tensor[None]), alone(tensor[None]))


def test_damaged_network_is_compiled_again(graph, expected, tmp_path):
    compile_graph(graph, tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:-1])

    assert np.array_equal(compile_graph(graph, tmp_path)(read_samples()), expected)


def test_network_that_openvino_rejects_is_compiled_again(graph, expected, tmp_path):
    compile_graph(graph, tmp_path)
    for path in tmp_path.iterdir():
        keep(path, b"made by another OpenVINO", 12)

    assert np.array_equal(compile_graph(graph, tmp_path)(read_samples()), expected)


def test_folder_that_is_not_writable(graph, expected, tmp_path):
    (tmp_path / "file").touch()

    assert np.array_equal(compile_graph(graph, tmp_path / "file" / "x")(read_samples()), expected)
