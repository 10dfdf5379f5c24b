import json

import keras
import numpy as np
import pytest

from dlflask.config import Config
from dlflask.digits.classifier import Classifier
from dlflask.digits.thresholds import DEFAULT_THRESHOLDS, Thresholds
from dlflask.evaluate.__main__ import main
from dlflask.inference.model_file import write_thresholds
from tests.conftest import encode
from tests.drawing import STROKES, draw_digit


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn")
    for label in STROKES:
        (root / str(label)).mkdir()
        for pen in (6, 9, 12):
            picture = draw_digit(label, 120, pen=pen)
            (root / str(label) / f"{pen}.png").write_bytes(encode(picture))
    return root


def evaluate(folder, output, *options):
    assert main([str(folder), "--output", str(output), *options]) == 0
    return json.loads((output / "report.json").read_text())


def test_evaluate_model_file_equals_service(folder, server, tmp_path):
    of_file = evaluate(folder, tmp_path / "file", "--model", str(Config().model_path))
    of_service = evaluate(folder, tmp_path / "service", "--url", f"http://127.0.0.1:{server}")

    assert "It reads 10 of 10 sample digits" in of_file["about"]["description"]
    assert of_file["digits"]["accuracy"]["rate"] >= 0.9
    assert of_file["digits"]["accuracy"] == of_service["digits"]["accuracy"]
    for figure in ("error", "log_loss", "brier"):
        of_both = (each["digits"]["calibration"][figure] for each in (of_file, of_service))
        assert next(of_both) == pytest.approx(next(of_both), abs=1e-6)


def test_evaluate_missing_model(folder, capsys):
    with pytest.raises(SystemExit):
        main([str(folder), "--model", "missing.h5"])

    assert "The model file missing.h5 does not exist" in capsys.readouterr().err


def save_network(path, units):
    layers = [
        keras.Input((28, 28, 1)),
        keras.layers.Flatten(),
        keras.layers.Dense(units, "softmax"),
    ]
    model = keras.Sequential(layers)
    model.save(path)
    return model


def test_classifier_with_stored_thresholds(tmp_path):
    path = tmp_path / "eleven.h5"
    model = save_network(path, 11)
    thresholds = Thresholds(0.2, 0.5, 1.0, "nothing")
    write_thresholds(path, thresholds.to_json())
    tensors = np.random.default_rng(0).random((20, 28, 28), np.float32)

    classifier = Classifier(path)
    predictions = classifier.predict_many(tensors)

    # Computed by NumPy: Keras's predict on OpenVINO may round to bfloat16.
    kernel, bias = model.layers[-1].get_weights()
    odds = np.exp(tensors.reshape(20, 784) @ kernel + bias)
    outputs = odds / odds.sum(axis=1, keepdims=True)
    assert classifier.thresholds == thresholds
    assert [each.verdict for each in predictions] == thresholds.decide_batch(outputs).tolist()
    digits = outputs[:, :10] / outputs[:, :10].sum(axis=1, keepdims=True)
    assert np.allclose([each.probabilities for each in predictions], digits, atol=1e-5)


def test_classifier_without_stored_thresholds(tmp_path):
    save_network(tmp_path / "ten.h5", 10)

    assert Classifier(tmp_path / "ten.h5").thresholds == DEFAULT_THRESHOLDS
