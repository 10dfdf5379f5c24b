import dataclasses

from dlflask.inference.cache.graphs import MAX_GRAPHS, GraphCache
from tests.inference.test_description import LOGITS
from tests.inference.test_model_graph import GRAPH


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
