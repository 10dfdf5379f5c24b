"""Damaged and hostile model files: each is reported in one line."""

import json
import os
import subprocess
import sys
import zipfile

import h5py
import keras
import numpy as np
import pytest

from dlflask.__main__ import main
from dlflask.digits.classifier import Classifier
from dlflask.digits.thresholds import DEFAULT_THRESHOLDS
from dlflask.errors import ModelError
from dlflask.inference.model_file import (
    GOLDEN_DIGITS_ATTRIBUTE,
    GOLDEN_OUTPUTS_ATTRIBUTE,
    THRESHOLDS_ATTRIBUTE,
)
from tests.serving import ROOT, free_port, without_tensorflow

THRESHOLDS = json.loads(DEFAULT_THRESHOLDS.to_json())


def save(path, *, shape=(28, 28, 1), units=10, activation="softmax"):
    layers = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(units, activation)]
    keras.Sequential(layers).save(path)
    return path


def with_attributes(**attributes):
    """Return a function that saves a good network with root attributes set or, if None, absent."""

    def make(folder):
        path = save(folder / "model.h5")
        with h5py.File(path, "r+") as file:
            for name, value in attributes.items():
                if value is not None:
                    file.attrs[name] = value
        return path

    return make


def with_thresholds(**changed):
    return with_attributes(**{THRESHOLDS_ATTRIBUTE: json.dumps(THRESHOLDS | changed)})


def with_golden(digits=((10, 28, 28), np.uint8), outputs=((10, 10), np.float32)):
    return with_attributes(
        **{
            GOLDEN_DIGITS_ATTRIBUTE: digits and np.zeros(*digits),
            GOLDEN_OUTPUTS_ATTRIBUTE: outputs and np.full(*outputs[:1], 0.1, *outputs[1:]),
        }
    )


def with_config(folder, old, new):
    """Save a good network and replace text in its configuration."""
    path = save(folder / "model.h5")
    with h5py.File(path, "r+") as file:
        config = file.attrs["model_config"]
        assert old in config
        file.attrs["model_config"] = config.replace(old, new)
    return path


def many_units(folder):
    return with_config(folder, '"units": 10', f'"units": {2**31}')


def single_layer(folder):
    layer = keras.layers.Dense(10)
    layer.build((None, 784))
    keras.saving.save_model(layer, folder / "model.keras")
    return folder / "model.keras"


def archive_without_model(folder):
    path = folder / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "")
    return path


BAD_MODELS = [
    pytest.param(with_thresholds(unsure_below="x"), "thresholds", id="threshold-string"),
    pytest.param(with_thresholds(unsure_below=True), "thresholds", id="threshold-boolean"),
    pytest.param(with_thresholds(not_a_digit_above=None), "thresholds", id="threshold-null"),
    pytest.param(with_thresholds(not_a_digit_above=1.1), "thresholds", id="threshold-above-1"),
    pytest.param(with_thresholds(unsure_below=float("nan")), "thresholds", id="threshold-nan"),
    pytest.param(with_thresholds(temperature=0), "thresholds", id="temperature-0"),
    pytest.param(with_thresholds(chosen_on=[]), "thresholds", id="chosen-on-list"),
    pytest.param(
        with_attributes(**{THRESHOLDS_ATTRIBUTE: 7}), "thresholds", id="thresholds-number"
    ),
    pytest.param(
        with_attributes(**{THRESHOLDS_ATTRIBUTE: "[" * 50_000}), "thresholds", id="thresholds-deep"
    ),
    pytest.param(
        with_golden(digits=None), "but not dlflask_golden_digits", id="golden-digits-missing"
    ),
    pytest.param(
        with_golden(outputs=None), "but not dlflask_golden_outputs", id="golden-outputs-missing"
    ),
    pytest.param(with_golden(digits=((10, 27, 28), np.uint8)), "golden digits", id="golden-shape"),
    pytest.param(with_golden(digits=((9, 28, 28), np.uint8)), "golden digits", id="golden-count"),
    pytest.param(with_golden(digits=((), np.uint8)), "golden digits", id="golden-scalar"),
    pytest.param(with_golden(digits=((10, 28, 28), "f4")), "golden digits", id="golden-floats"),
    pytest.param(with_golden(outputs=((10, 11), np.float32)), r"\(10, 11\)", id="golden-columns"),
    pytest.param(with_golden(outputs=((10, 10), "S1")), "golden digits", id="golden-text"),
    pytest.param(
        with_golden(digits=((0, 28, 28), np.uint8), outputs=((0, 10), np.float32)),
        "golden digits",
        id="golden-none",
    ),
    pytest.param(many_units, "but the file has only", id="many-units"),
    pytest.param(single_layer, "'Dense', which is a single layer", id="a-layer"),
    pytest.param(archive_without_model, "without the file config.json", id="archive-without-model"),
]


@pytest.mark.parametrize(("make", "says"), BAD_MODELS)
def test_classifier_bad_model(tmp_path, make, says):
    path = make(tmp_path)

    with pytest.raises(ModelError, match=says) as caught:
        Classifier(path).warm_up()

    assert len(str(caught.value).splitlines()) == 1


def test_predict_bad_model(tmp_path, capsys):
    path = save(tmp_path / "parity.h5", units=2)

    with pytest.raises(SystemExit) as ended:
        main(["predict", str(ROOT / "static" / "4.jpg"), "--model", str(path)])

    assert ended.value.code == 2
    assert "has 2 outputs; expected ten" in capsys.readouterr().err.splitlines()[-1]


def test_gunicorn_bad_model(tmp_path):
    path = with_thresholds(unsure_below="x")(tmp_path)

    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "server:app"],
        cwd=ROOT,
        env=os.environ
        | {
            "PORT": str(free_port()),
            "KERAS_BACKEND": "openvino",
            "DLFLASK_MODEL_PATH": str(path),
        }
        | without_tensorflow(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert "dlflask cannot start: The thresholds of the digit network" in done.stderr
    assert "Traceback" not in done.stderr
