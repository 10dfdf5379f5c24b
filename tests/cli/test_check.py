from dataclasses import replace

from dlflask.cli.check import describe, to_lines
from tests.conftest import DESCRIPTION

MEASURED = {
    "file": "own.h5",
    "sha256": "ab" * 32,
    "load_seconds": 1.25,
    "image_milliseconds": 0.615,
    "network_milliseconds": 0.072,
}
DOUBTFUL = describe(replace(DESCRIPTION, samples_read=3, keras_version=""))


def test_check_lines():
    lines = list(to_lines(MEASURED | describe(DESCRIPTION)))

    assert lines[2:] == [
        "saved by       Keras 2.2.4",
        "input          28 x 28 x 1, values 0..255",
        "outputs        10 logits, to which the service adds a softmax",
        "weights        7,850",
        "sample digits  9 of 10 read",
        "load           1.2 s",
        "one image      0.61 ms, of which the network takes 0.07 ms",
        "",
        "layer    class    output",
        "flatten  Flatten  784",
        "dense    Dense    10",
        "",
        "Served.",
    ]


def test_check_lines_of_doubtful_model():
    lines = list(to_lines(MEASURED | DOUBTFUL))

    assert "saved by       Keras (unknown version)" in lines
    assert lines[-1].startswith("Served, with a warning. The model was saved by an unknown Keras")
    assert "It reads 3 of 10 sample digits" in lines[-1]


def test_describe():
    found = describe(DESCRIPTION)

    assert (found["served"], found["warning"]) == (True, None)
    assert found["layers"][1] == {"name": "dense", "class": "Dense", "output_shape": (10,)}
    assert (found["convention"], found["outputs"], found["samples_read"]) == ("0..255", "logits", 9)
    assert "3 of 10" in DOUBTFUL["warning"]
