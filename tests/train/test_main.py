import os
import subprocess
import sys

import numpy as np
import pytest

from dlflask.train.report import Report
from tests.serving import ROOT

pytestmark = pytest.mark.train

FAST_RUN = (sys.executable, "-m", "dlflask.train", "--fast")


@pytest.fixture(scope="module")
def mnist_file(tmp_path_factory):
    """An mnist.npz of noise in Keras's layout: enough for every step to run."""
    path = tmp_path_factory.mktemp("mnist") / "mnist.npz"
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 8_000), ("test", 1_000)):
        arrays[f"x_{part}"] = rng.integers(0, 256, (count, 28, 28), np.uint8)
        arrays[f"y_{part}"] = rng.integers(0, 10, count).astype(np.uint8)
    np.savez(path, **arrays)
    return path


def test_a_fast_run_ends_with_a_model_and_its_report(mnist_file, tmp_path):
    done = subprocess.run(
        [*FAST_RUN, "--output", tmp_path / "model.h5", "--checkpoints", tmp_path / "checkpoints"],
        cwd=ROOT,
        env=os.environ | {"MNIST_NPZ": str(mnist_file), "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    report = Report.read(tmp_path / "model.json")
    assert report.to_markdown() in done.stdout
    assert (tmp_path / "model.h5").stat().st_size == report.file_bytes
    assert 0 < report.test_accuracy < 0.2, "noise is not learnt"
