"""Training: small runs of the real thing."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dlflask.model_file import read_thresholds
from dlflask.train.model_card import ModelCard

pytestmark = pytest.mark.train

ROOT = Path(__file__).resolve().parent.parent.parent
FAST_RUN = (sys.executable, "-m", "dlflask.train", "--fast")


@pytest.fixture(scope="module")
def mnist_file(tmp_path_factory, digits):
    """An mnist.npz of drawn digits in Keras's layout: enough for every step to run."""
    images, labels = digits
    path = tmp_path_factory.mktemp("mnist") / "mnist.npz"
    many = np.resize(images, (10_000, 28, 28)), np.resize(labels, 10_000)
    np.savez(path, x_train=many[0], y_train=many[1], x_test=images, y_test=labels)
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
    report = ModelCard.read(tmp_path / "model.json")
    assert report.to_markdown() in done.stdout
    assert (tmp_path / "model.h5").stat().st_size == report.file_bytes
    assert read_thresholds(tmp_path / "model.h5") == report.thresholds
    assert report.test.accuracy > 0.8, "drawn digits are learnt"
