"""`python -m dlflask.train`, run from end to end."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from dlflask.inference.model_file import read_thresholds
from dlflask.train.model_card import ModelCard

pytestmark = [
    pytest.mark.train,
    pytest.mark.skipif(
        find_spec("tensorflow") is None, reason="TensorFlow trains; it is not installed"
    ),
]

ROOT = Path(__file__).resolve().parent.parent.parent
TRAIN = (sys.executable, "-m", "dlflask.train")


def train(*arguments, cwd, **environment):
    return subprocess.run(
        [*TRAIN, *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT), "KERAS_BACKEND": "tensorflow"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def run_here(*arguments):
    """Run the command in this process, which has imported TensorFlow already."""
    from dlflask.train.__main__ import main  # noqa: PLC0415  imports TensorFlow

    return main([str(argument) for argument in arguments])


def test_fast_run_writes_model_and_card(mnist_file, tmp_path):
    done = train("--fast", cwd=tmp_path, MNIST_NPZ=str(mnist_file))

    assert done.returncode == 0, done.stderr
    model = tmp_path / "build" / "fast.h5"
    card = ModelCard.read(model.with_suffix(".json"))
    assert card.to_markdown() in done.stdout
    assert done.stdout.endswith("wrote build/fast.h5 and build/fast.json\n")
    assert model.stat().st_size == card.file_bytes
    assert read_thresholds(model) == card.thresholds.to_json()
    assert card.test.accuracy > 0.8, "drawn digits are learnt"
    assert not (tmp_path / "mnist_model.h5").exists()
    assert not list((tmp_path / "build" / "train").iterdir()), "checkpoints are removed"


def test_help_names_defaults(capsys):
    with pytest.raises(SystemExit) as ended:
        run_here("--help")

    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "(default: mnist_model.h5, with --fast build/fast.h5)" in shown
    assert shown.count("(default: ") == 11


def test_download_without_network(tmp_path):
    proxy = {"https_proxy": "http://127.0.0.1:9", "no_proxy": ""}

    done = train("--fast", cwd=tmp_path, MNIST_NPZ="", KERAS_HOME=str(tmp_path), **proxy)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("MNIST cannot be downloaded (URL fetch failure on https://")
    assert "Set MNIST_NPZ to the path of a local mnist.npz" in last


def test_data_file_missing(capsys):
    assert run_here("--data", "none.npz") == 1

    assert capsys.readouterr().err.startswith("The MNIST file none.npz does not exist.")


def test_images_missing(mnist_file, capsys):
    assert run_here("--data", mnist_file, "--images", "none") == 1

    assert capsys.readouterr().err.startswith("none is not a folder. Give the path of a folder")


def test_fast_run_continues_model(mnist_file, tmp_path, capsys):
    model = ROOT / "mnist_model.h5"
    output = tmp_path / "continued.h5"

    status = run_here(
        "--fast",
        "--from",
        model,
        "--number-model",
        ROOT / "number_model.h5",
        "--data",
        mnist_file,
        "--output",
        output,
        "--checkpoints",
        tmp_path / "train",
    )

    assert status == 0
    card = ModelCard.read(output.with_suffix(".json"))
    assert '; "not a digit" continued from the model `' in card.further
    assert card.further in capsys.readouterr().out
    assert card.test.accuracy > 0.8
    assert not list((tmp_path / "train").iterdir()), "checkpoints are removed"


def test_continue_number_model(mnist_file, capsys):
    status = run_here("--fast", "--from", ROOT / "number_model.h5", "--data", mnist_file)

    assert status == 1
    assert "expected a digit model" in capsys.readouterr().err


def test_continue_model_with_other_layers(mnist_file, tmp_path, capsys):
    keras = pytest.importorskip("keras")
    inputs = keras.Input((28, 28, 1))
    outputs = keras.layers.Dense(11, activation="softmax")(keras.layers.Flatten()(inputs))
    path = tmp_path / "dense.keras"
    keras.Model(inputs, outputs).save(path)

    status = run_here("--fast", "--from", path, "--data", mnist_file)

    assert status == 1
    assert f"{path} cannot be trained further: its layers differ" in capsys.readouterr().err
