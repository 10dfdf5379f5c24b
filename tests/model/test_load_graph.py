"""Reading of a model in a process of its own, and what happens if that process fails."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dlflask.config import Config
from dlflask.digits.classifier import SAMPLES, identify_samples, read_samples
from dlflask.errors import ModelError
from dlflask.inference import load_graph as module
from dlflask.inference.load_graph import load_graph
from tests.inference.old_models import keras_2_2
from tests.serving import ROOT

#: Loads a model while a process may allocate 120 MB, less than Keras needs.
SCRIPT = """
import resource, sys
from pathlib import Path
from dlflask.errors import ModelError
from dlflask.inference.load_graph import load_graph
resource.setrlimit(resource.RLIMIT_DATA, (120 * 1024**2, 120 * 1024**2))
try:
    load_graph(Path(sys.argv[1]))
except ModelError as error:
    print(error)
"""


def test_load_graph_leaves_the_file_and_keeps_the_graph(tmp_path):
    path = keras_2_2(tmp_path / "model.h5")
    before = path.read_bytes()

    first, made = load_graph(path, cache=tmp_path / "graphs")
    (kept,) = (tmp_path / "graphs").iterdir()
    changed = kept.stat().st_mtime_ns
    second, again = load_graph(path, cache=tmp_path / "graphs")

    assert path.read_bytes() == before
    assert (first, made.xml, made.weights) == (second, again.xml, again.weights)
    assert kept.stat().st_mtime_ns == changed
    assert made.input_shape == (28, 28, 1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"not an image", "text"), (None, "No such file")],
    ids=["text", "missing"],
)
def test_read_samples_names_the_file_that_cannot_be_read(tmp_path, content, reason):
    path = tmp_path / "0.png"
    if content:
        path.write_bytes(content)

    with pytest.raises(ModelError, match=rf"0\.png cannot be read .*{reason}.*Restore the file"):
        read_samples([path])


def test_load_graph_other_samples(tmp_path):
    """A graph that was adapted to other sample digits has perhaps the wrong convention."""
    path, graphs = keras_2_2(tmp_path / "model.h5"), tmp_path / "graphs"
    samples = read_samples()
    _, bright = load_graph(path, lambda: samples, graphs, "bright ink")
    _, again = load_graph(path, pytest.fail, graphs, "bright ink")
    _, dark = load_graph(path, lambda: 1 - samples, graphs, "dark ink")

    assert again.xml == bright.xml
    assert again.description == bright.description
    assert dark.description != bright.description
    assert len(list(graphs.iterdir())) == 2


def test_identify_samples_changed_sample(tmp_path):
    changed = Path(shutil.copy(SAMPLES[3], tmp_path))
    changed.write_bytes(SAMPLES[5].read_bytes())
    identity = identify_samples()

    assert identify_samples(SAMPLES) == identity
    assert identify_samples((*SAMPLES[:3], changed, *SAMPLES[4:])) != identity
    assert identify_samples(SAMPLES[::-1]) != identity
    assert identify_samples((*SAMPLES[:9], tmp_path / "missing")) != identity


def test_load_graph_out_of_time(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", 0.01)

    with pytest.raises(ModelError, match=r"took more than 0\.01 s"):
        load_graph(keras_2_2(tmp_path / "model.h5"))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel bounds a process on Linux only")
def test_load_graph_out_of_memory(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(keras_2_2(tmp_path / "model.h5"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert "memory" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_load_graph_without_permission(tmp_path):
    path = tmp_path / "model.h5"
    shutil.copy(Config().model_path, path)
    path.chmod(0)

    with pytest.raises(ModelError, match="who may not read"):
        load_graph(path)
