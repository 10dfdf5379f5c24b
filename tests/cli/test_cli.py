import csv
import io
import json
import os
import socket
import subprocess
import sys
import venv

import numpy as np
import pytest

from dlflask import __version__
from dlflask.cli.formatters import csv_rows, json_rows, text_rows
from dlflask.cli.inputs import find_files, read_file
from dlflask.cli.predict import BATCH_SIZE, predict
from dlflask.cli.serve import gunicorn_command
from dlflask.client import UNREAD, Outcome
from dlflask.errors import DlflaskError, EmptyUpload, UploadTooLarge
from tests.serving import ROOT

SURE = Outcome("digit", "4", 0.91, np.array([0.01] * 4 + [0.91] + [0.01] * 5, np.float32))
FAILURE = Outcome(UNREAD, reason="No such file")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "below").mkdir()
    (tmp_path / "empty").mkdir()
    for name in ("b.png", "a.JPG", "notes.txt", "below/c.webp"):
        (tmp_path / name).write_bytes(b"12345")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("named", "found"),
    [
        pytest.param(["."], ["a.JPG", "b.png", "below/c.webp"], id="folder"),
        pytest.param(["notes.txt"], ["notes.txt"], id="file-with-any-suffix"),
        pytest.param(["*.png", "b*/*"], ["b.png", "below/c.webp"], id="patterns"),
        pytest.param(["**/*.webp"], ["below/c.webp"], id="pattern-below"),
        pytest.param(["empty"], ["empty"], id="folder-without-images"),
        pytest.param(["-", "gone.png"], ["-", "gone.png"], id="missing"),
    ],
)
def test_find_files(folder, named, found):
    assert find_files(named) == found


def test_read_file_limit(folder):
    assert read_file("b.png", 5) == b"12345"
    assert isinstance(read_file("b.png", 4), UploadTooLarge)


def test_read_file_standard_input(monkeypatch):
    standard = io.TextIOWrapper(io.BytesIO(b"12345"))
    monkeypatch.setattr("sys.stdin", standard)

    assert read_file("-", 5) == b"12345"
    assert isinstance(read_file("-", 5), EmptyUpload)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gone.png", "No such file or folder"),
        ("*.gone", "No file matches this pattern"),
        ("empty", "This folder holds no images"),
    ],
)
def test_read_file_error(folder, name, says):
    error = read_file(name, 5)

    assert type(error) is DlflaskError
    assert says in str(error)


def test_predict_batches(folder):
    sizes = []

    def reader(uploads):
        sizes.append(len(uploads))
        return [FAILURE if isinstance(each, DlflaskError) else SURE for each in uploads]

    files = ["b.png", "gone.png"] * BATCH_SIZE

    batches = list(predict(files, reader, 5))

    assert sizes == [BATCH_SIZE, BATCH_SIZE]
    assert [row for batch in batches for row in batch] == [
        (file, FAILURE if file == "gone.png" else SURE) for file in files
    ]


def test_text_rows():
    output, errors = io.StringIO(), io.StringIO()
    write = text_rows(output, errors, number=False)

    write("four.png", SURE)
    write("gone.png", FAILURE)

    assert output.getvalue() == "4   91.0%  digit        four.png\n"
    assert errors.getvalue() == "gone.png: No such file\n"


def test_json_rows():
    output = io.StringIO()
    write = json_rows(output, number=False)

    write("vier \N{EURO SIGN}.png", SURE)
    write("gone.png", FAILURE)

    four, gone = map(json.loads, output.getvalue().splitlines())
    assert (four["file"], four["label"], four["verdict"]) == ("vier \N{EURO SIGN}.png", 4, "digit")
    assert four["probabilities"] == [0.01] * 4 + [0.91] + [0.01] * 5
    assert four["confidence"] == 0.91
    assert gone["error"] == "No such file"
    assert set(gone) == set(four)
    assert {gone[name] for name in gone if name not in ("file", "error")} == {None}


def test_csv_rows():
    output = io.StringIO()
    write = csv_rows(output, number=False)

    write('a "4", really.png', SURE)
    write("gone.png", FAILURE)

    four, gone = csv.DictReader(io.StringIO(output.getvalue()))
    assert four["file"] == 'a "4", really.png'
    assert [float(four[f"p{label}"]) for label in range(10)] == [0.01] * 4 + [0.91] + [0.01] * 5
    assert (gone["label"], gone["p0"], gone["error"]) == ("", "", "No such file")


@pytest.mark.parametrize(("host", "bind"), [("127.0.0.1", "127.0.0.1:8080"), ("::1", "[::1]:8080")])
def test_gunicorn_command_bind(host, bind):
    command = gunicorn_command(host, 8080)

    assert command[command.index("--bind") + 1] == bind
    assert command[-1] == "server:app"


def run(*arguments, python=sys.executable, **environment):
    return subprocess.run(
        [python, "-m", "dlflask", *arguments],
        cwd=ROOT,
        env=os.environ | {"KERAS_BACKEND": "openvino", "NO_COLOR": "1"} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_version():
    assert run("--version").stdout == f"dlflask {__version__}\n"


def test_no_command_lists_all_commands():
    done = run()

    assert done.returncode == 2
    for command in ("predict", "serve", "dlflask.evaluate", "dlflask.train"):
        assert command in done.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        pytest.param(["--port", "99999"], {}, "PORT is '99999'; expected", id="port"),
        pytest.param([], {"PORT": "abc"}, "PORT is 'abc'; expected", id="port-variable"),
        pytest.param(["--workers", "0"], {}, "WEB_CONCURRENCY is '0'", id="no-worker"),
        pytest.param([], {"WEB_CONCURRENCY": "two"}, "WEB_CONCURRENCY is 'two'", id="workers"),
        pytest.param([], {"KERAS_BACKEND": "jaxx"}, "KERAS_BACKEND is 'jaxx'", id="backend"),
        pytest.param(["--host", "192.0.2.1"], {}, "cannot listen at 192.0.2.1", id="host"),
    ],
)
def test_serve_invalid_setting(arguments, environment, says):
    done = run("serve", *arguments, **environment)

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert says in line


def test_serve_port_in_use():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = run("serve", "--port", str(listener.getsockname()[1]))

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "(Address already in use). Choose another port" in line


def test_predict_without_the_packages(tmp_path):
    venv.create(tmp_path / "empty", with_pip=False)

    done = run("predict", "4.jpg", python=tmp_path / "empty" / "bin" / "python")

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert ".venv/bin/python -m dlflask" in line


@pytest.mark.parametrize(("given", "threads"), [({}, "1"), ({"OPENBLAS_NUM_THREADS": "4"}, "4")])
def test_numpy_uses_one_thread_unless_told_otherwise(given, threads):
    own = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    program = "import os, dlflask.__main__; print(os.environ['OPENBLAS_NUM_THREADS'])"

    printed = subprocess.run(
        [sys.executable, "-c", program], env=own | given, cwd=ROOT, capture_output=True, check=True
    ).stdout

    assert printed.decode().split() == [threads]
