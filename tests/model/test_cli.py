import hashlib
import json
import os
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

from dlflask.__main__ import main
from tests.conftest import encode
from tests.drawing import STROKES, draw_digit
from tests.serving import ROOT, ask, free_port, wait_until_ready, without_tensorflow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn")
    for label in STROKES:
        for side in (60, 90, 120, 150):
            (root / f"{label}-{side}.png").write_bytes(encode(draw_digit(label, side)))
    return root


def rows(capsys, *arguments):
    """Return the exit status and the JSON rows of `predict`."""
    status = main(["predict", *map(str, arguments), "--json"])
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_predict_model_equals_service(capsys, folder, server):
    by_model = rows(capsys, folder)
    by_service = rows(capsys, folder, "--url", f"http://127.0.0.1:{server}")

    (status, found), (service_status, served) = by_model, by_service
    assert status == service_status == 0
    for here, there in zip(found, served, strict=True):
        # The model may run on TensorFlow here, which rounds differently.
        for name in ("confidence", "probabilities"):
            assert here.pop(name) == pytest.approx(there.pop(name), abs=1e-4)
        assert here == there
    assert len(found) == 40
    assert sum(row["file"].split("/")[-1][0] == str(row["label"]) for row in found) >= 36


@pytest.mark.parametrize("options", [[], ["--number"]], ids=["digits", "numbers"])
def test_predict_has_no_time_limit(capsys, monkeypatch, options):
    monkeypatch.setattr("dlflask.deadline.MAX_SECONDS", -1)

    status, found = rows(capsys, ROOT / "static" / "4.jpg", *options)

    assert status == 0
    assert found[0]["error"] is None


@pytest.mark.parametrize("by_service", [False, True], ids=["model", "service"])
def test_predict_continues_after_errors(capsys, request, by_service):
    four = ROOT / "static" / "4.jpg"
    by = ["--url", f"http://127.0.0.1:{request.getfixturevalue('server')}"] if by_service else []

    status, found = rows(capsys, ROOT / "README.md", "gone.png", four, *by)

    assert status == 1
    assert [row["label"] for row in found] == [None, None, 4]
    assert "not a supported image format" in found[0]["error"]
    assert "No such file" in found[1]["error"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["predict"], "FILE", id="no-file"),
        pytest.param(["predict", "4.png", "--json", "--csv"], "not allowed with", id="two-forms"),
        pytest.param(
            ["predict", "4.png", "--model", "gone.h5"], "gone.h5 does not exist", id="model"
        ),
        pytest.param(
            ["predict", "4.png", "--url", "ftp://x"], "not the address of a service", id="address"
        ),
        pytest.param(
            ["predict", "4.png", "--url", "http://127.0.0.1:9"],
            "leave out --url to use the model file",
            id="unreachable",
        ),
        pytest.param(["check", "a.h5", "b.h5"], "unrecognized arguments: b.h5", id="two-models"),
        pytest.param(["dance"], "invalid choice", id="command"),
    ],
)
def test_invalid_command(capsys, arguments, says):
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


def test_predict_standard_input():
    with (ROOT / "static" / "4.jpg").open("rb") as four:
        done = run("predict", "-", "--csv", stdin=four)

    head, row = done.stdout.splitlines()
    assert done.returncode == 0
    assert head.startswith("file,label,confidence,verdict,error,p0,")
    assert row.startswith("-,4,0.99")


def test_predict_broken_pipe(folder):
    process = subprocess.Popen(
        [sys.executable, "-m", "dlflask", "predict", *[str(folder)] * 40, "--json"],
        cwd=ROOT,
        env=os.environ | {"KERAS_BACKEND": "openvino"} | without_tensorflow(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    first = process.stdout.readline()
    process.stdout.close()

    assert json.loads(first)["label"] == 0
    assert "Traceback" not in process.stderr.read()
    assert process.wait(timeout=120) == 1
    process.stderr.close()


def test_help():
    for command in ([], ["predict"], ["check"], ["serve"]):
        done = run(*command, "--help")
        assert done.returncode == 0
        assert "python -m dlflask" in done.stdout
    assert "exit status" in run("predict", "--help").stdout


def test_check_the_shipped_model():
    sha256 = hashlib.sha256((ROOT / "mnist_model.h5").read_bytes()).hexdigest()

    as_text, as_json = run("check"), run("check", "--json")

    assert as_text.returncode == as_json.returncode == 0
    assert sha256 in as_text.stdout
    assert as_text.stdout.endswith("\n\nServed.\n")
    report = json.loads(as_json.stdout)
    assert (report["sha256"], report["served"], report["warning"]) == (sha256, True, None)
    assert (report["convention"], report["samples_read"]) == ("0..1", 10)
    assert (report["outputs"], report["num_classes"]) == ("softmax", 11)
    assert report["layers"][-1]["output_shape"] == [11]
    assert 0 < report["network_milliseconds"] < report["image_milliseconds"]


def test_check_untrained_model(tmp_path):
    layers = [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    model = keras.Sequential(layers)
    model.set_weights([np.zeros((784, 10)), np.eye(10)[1]])
    model.save(tmp_path / "ones.keras")

    done = run("check", str(tmp_path / "ones.keras"))

    assert done.returncode == 0
    last = done.stdout.splitlines()[-1]
    assert last.startswith("Served, with a warning.")
    assert "It reads 1 of 10 sample digits" in last


@pytest.mark.parametrize("path", [ROOT / "README.md", ROOT / "tests", ROOT / "gone.h5"])
def test_check_refuses_in_one_line(capsys, path):
    assert main(["check", str(path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert main(["check", str(path), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)

    assert line.startswith("Not served: ")
    assert path.name in line
    assert report == {
        "file": str(path),
        "served": False,
        "error": line.removeprefix("Not served: "),
    }


def test_serve_own_model_until_terminated(tmp_path):
    model = (ROOT / "mnist_model.h5").read_bytes()
    (tmp_path / "own.h5").write_bytes(model)
    port = free_port()
    found = (str(ROOT), without_tensorflow()["PYTHONPATH"])
    command = ["serve", "--port", str(port), "--workers", "2", "--model", "own.h5"]
    process = subprocess.Popen(
        [sys.executable, "-m", "dlflask", *command],
        cwd=tmp_path,
        env=os.environ | {"KERAS_BACKEND": "openvino", "PYTHONPATH": os.pathsep.join(found)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_until_ready(port, process)
        assert ask(port, "GET", "/livez").status == 200
        sha256 = ask(port, "GET", "/livez").headers["X-Model-SHA256"]
        process.send_signal(signal.SIGTERM)
        log = process.communicate(timeout=60)[0]
    finally:
        process.kill()
    assert process.returncode == 0
    assert log.count("Worker is ready") == 2
    assert hashlib.sha256(model).hexdigest().startswith(sha256)
    assert log.count(f"Model mnist, SHA-256 {sha256}. The model was saved by Keras 3") == 1


def run(*arguments, stdin=None):
    return subprocess.run(
        [sys.executable, "-m", "dlflask", *arguments],
        cwd=ROOT,
        env=os.environ | {"KERAS_BACKEND": "openvino", "NO_COLOR": "1"} | without_tensorflow(),
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
