"""The notebook: what is committed is what its script says, and the script runs."""

import os
import subprocess
import sys

import nbformat
import numpy as np
import pytest

from dlflask.digits.normalization import is_normalized, read_tensor
from tests.conftest import encode
from tests.drawing import STROKES, draw_digit
from tests.serving import ROOT

SCRIPT = ROOT / "notebooks" / "mnist.py"
NOTEBOOK = ROOT / "notebooks" / "mnist.ipynb"

#: A picture of a page of plots; more would make each clone slow.
MAX_BYTES = 1_500_000
#: A cell that is longer hides its point; logic belongs into the package.
MAX_LINES = 15


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_script_and_notebook_match(notebook):
    jupytext = pytest.importorskip("jupytext", reason="it makes the notebook; it is not installed")
    script = jupytext.read(SCRIPT)

    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == [
        (cell.cell_type, cell.source) for cell in script.cells
    ], "make the notebook again with `make notebook`"


def test_the_notebook_was_executed_from_top_to_bottom(notebook):
    assert [cell.execution_count for cell in code_cells(notebook)] == list(
        range(1, len(code_cells(notebook)) + 1)
    )
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert not any(output.output_type == "error" for output in outputs)
    assert "fast mode" not in code_cells(notebook)[0].outputs[0].text


def test_its_outputs_name_no_folder_of_the_machine_that_made_it(notebook):
    texts = [str(cell.outputs) for cell in code_cells(notebook)]

    assert not [text for text in texts if "/tmp/" in text or "/home/" in text]  # noqa: S108


def test_the_notebook_is_small():
    assert NOTEBOOK.stat().st_size <= MAX_BYTES


def test_every_cell_is_short_and_introduced(notebook):
    for before, cell in zip([None, *notebook.cells], notebook.cells, strict=False):
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= MAX_LINES, cell.source
            assert before is not None
            assert before.cell_type == "markdown", cell.source


@pytest.mark.train
@pytest.mark.model
def test_the_script_runs_in_fast_mode(tmp_path):
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
    """An mnist.npz of digits drawn by code, in Keras's layout; tests download nothing."""
    rng = np.random.default_rng(0)
    drawn = [(label, draw_digit(label, 100, pen=pen)) for label in STROKES for pen in range(5, 15)]
    placed = [read_tensor(encode(picture)) for _, picture in drawn]
    images = np.uint8(np.round(np.array(placed) * 255))
    labels = np.array([label for label, _ in drawn], np.uint8)
    # What does not follow MNIST's rule to the letter would be placed again, and differ.
    follows = [is_normalized(image / np.float32(255)) for image in images]
    images, labels = images[follows], labels[follows]
    order = rng.permutation(8_000) % len(images)
    many, of_many = images[order], labels[order]
    np.savez(path, x_train=many, y_train=of_many, x_test=images, y_test=labels)
    return path
