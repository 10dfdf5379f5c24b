"""The notebook: it matches its script, is executed, and its script runs."""

import os
import subprocess
import sys
from math import comb

import jupytext
import nbformat
import numpy as np
import pytest

from dlflask.digits.normalization import is_normalized, read_tensor
from notebooks.support.mcnemar import mcnemar
from tests.conftest import encode
from tests.drawing import STROKES, draw_digit
from tests.serving import ROOT

SCRIPT = ROOT / "notebooks" / "mnist.py"
NOTEBOOK = ROOT / "notebooks" / "mnist.ipynb"

#: Limit of the notebook with its plots; a larger file slows each clone.
MAX_BYTES = 1_500_000
#: Limit of a code cell; longer code belongs into the package or into notebooks/support.
MAX_LINES = 15


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_notebook_matches_script(notebook):
    script = jupytext.read(SCRIPT)

    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == [
        (cell.cell_type, cell.source) for cell in script.cells
    ], "make the notebook again with `make notebook`"


def test_notebook_is_executed_in_order(notebook):
    assert [cell.execution_count for cell in code_cells(notebook)] == list(
        range(1, len(code_cells(notebook)) + 1)
    )
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert not any(output.output_type == "error" for output in outputs)
    assert "fast mode" not in code_cells(notebook)[0].outputs[0].text


def test_notebook_outputs_without_local_paths(notebook):
    texts = [str(cell.outputs) for cell in code_cells(notebook)]

    assert not [text for text in texts if "/tmp/" in text or "/home/" in text]  # noqa: S108


def test_notebook_size():
    assert NOTEBOOK.stat().st_size <= MAX_BYTES


def test_cells_are_short_and_introduced(notebook):
    for before, cell in zip([None, *notebook.cells], notebook.cells, strict=False):
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= MAX_LINES, cell.source
            assert before is not None
            assert before.cell_type == "markdown", cell.source


def test_cells_import_no_tests(notebook):
    assert not [cell.source for cell in code_cells(notebook) if "tests." in cell.source]


def test_plots_have_alternative_texts(notebook):
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    plots = [output for output in outputs if "image/png" in output.get("data", {})]

    assert len(plots) > 15
    assert all(plot.metadata.get("image/png", {}).get("alt") for plot in plots)


@pytest.mark.model
def test_network_of_notebook_is_that_of_the_package():
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    from dlflask.train.network import build_network  # noqa: PLC0415  imports Keras

    names = {"keras": keras}
    for cell in code_cells(jupytext.read(SCRIPT)):
        if "def residual(" in cell.source or "def build_network(" in cell.source:
            exec(cell.source, names)  # noqa: S102  the project's own notebook

    assert config_of(names["build_network"]) == config_of(build_network)


def config_of(build):
    """Return the configuration of a network, with layers named as in a fresh session."""
    from keras.utils import clear_session  # noqa: PLC0415  imports Keras

    clear_session()
    return build().get_config()


@pytest.mark.parametrize(("first", "second"), [(1, 5), (0, 8), (20, 20), (3, 0), (900, 1100)])
def test_mcnemar_equals_binomial_sum(first, second):
    fewer, total = min(first, second), first + second
    tail = sum(comb(total, k) for k in range(fewer + 1)) / 2**total

    assert mcnemar(first, second) == pytest.approx(min(1, 2 * tail), rel=1e-9)


def test_mcnemar_of_equal_classifiers():
    assert mcnemar(0, 0) == 1


@pytest.mark.train
@pytest.mark.model
def test_script_in_fast_mode(tmp_path):
    pytest.importorskip("tensorflow", reason="TensorFlow trains; it is not installed")
    environment = os.environ | {"NOTEBOOK_FAST": "1", "MPLBACKEND": "agg"}
    environment.setdefault("MNIST_NPZ", str(draw_mnist(tmp_path / "mnist.npz")))

    done = subprocess.run(
        [sys.executable, SCRIPT],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "fast mode" in done.stdout
    assert "500 of 500 digits come through bit for bit" in done.stdout


def draw_mnist(path):
    """Write an mnist.npz of digits drawn by code; tests download nothing."""
    rng = np.random.default_rng(0)
    drawn = [(label, draw_digit(label, 100, pen=pen)) for label in STROKES for pen in range(5, 15)]
    placed = [read_tensor(encode(picture)) for _, picture in drawn]
    images = np.uint8(np.round(np.array(placed) * 255))
    labels = np.array([label for label, _ in drawn], np.uint8)
    # Leave out digits that deviate from MNIST's rule; they would be normalised again and change.
    follows = [is_normalized(image / np.float32(255)) for image in images]
    images, labels = images[follows], labels[follows]
    order = rng.permutation(8_000) % len(images)
    many, of_many = images[order], labels[order]
    np.savez(path, x_train=many, y_train=of_many, x_test=images, y_test=labels)
    return path
