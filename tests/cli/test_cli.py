import csv
import io
import json

import numpy as np
import pytest

from dlflask.cli.formatters import csv_rows, json_rows, text_rows
from dlflask.cli.inputs import Named, find_files
from dlflask.cli.predict import BATCH_SIZE, predict
from dlflask.cli.serve import command, port_of
from dlflask.client import UNREAD, Outcome
from dlflask.errors import DlflaskError, EmptyUpload, UploadTooLarge

SURE = Outcome("digit", np.array([0.01] * 4 + [0.91] + [0.01] * 5, np.float32))
FAULT = Outcome(UNREAD, reason="No such file")


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
        pytest.param(["notes.txt"], ["notes.txt"], id="a-file-whatever-it-is-called"),
        pytest.param(["*.png", "b*/*"], ["b.png", "below/c.webp"], id="patterns"),
        pytest.param(["**/*.webp"], ["below/c.webp"], id="pattern-below"),
        pytest.param(["empty"], ["empty"], id="folder-without-pictures"),
        pytest.param(["-", "gone.png"], ["-", "gone.png"], id="kept-though-missing"),
    ],
)
def test_files_folders_and_patterns_are_found(folder, named, found):
    assert [one.name for one in find_files(named)] == found


def test_a_file_is_read_up_to_the_limit(folder):
    assert Named("b.png").read(5) == b"12345"
    assert isinstance(Named("b.png").read_or_fault(4), UploadTooLarge)


def test_standard_input_is_a_picture(monkeypatch):
    standard = io.TextIOWrapper(io.BytesIO(b"12345"))
    monkeypatch.setattr("sys.stdin", standard)

    assert Named("-").read(5) == b"12345"
    assert isinstance(Named("-").read_or_fault(5), EmptyUpload)


@pytest.mark.parametrize(("name", "says"), [("gone.png", "No such file"), ("empty", "directory")])
def test_what_cannot_be_read_is_said_in_words(folder, name, says):
    fault = Named(name).read_or_fault(5)

    assert type(fault) is DlflaskError
    assert says in str(fault)


def test_files_are_read_in_batches_and_in_order(folder):
    shown = []

    def reader(uploads):
        shown.append(len(uploads))
        return [FAULT if isinstance(one, DlflaskError) else SURE for one in uploads]

    files = [Named("b.png"), Named("gone.png")] * BATCH_SIZE

    batches = list(predict(files, reader, 5))

    assert shown == [BATCH_SIZE, BATCH_SIZE]
    assert [one for batch in batches for one in batch] == [
        (one, FAULT if one.name == "gone.png" else SURE) for one in files
    ]


def test_rows_for_people():
    output, faults = io.StringIO(), io.StringIO()
    write = text_rows(output, faults)

    write("four.png", SURE)
    write("gone.png", FAULT)

    assert output.getvalue() == "4   91.0%  digit        four.png\n"
    assert faults.getvalue() == "gone.png: No such file\n"


def test_rows_of_json():
    output = io.StringIO()
    write = json_rows(output)

    write("vier \N{EURO SIGN}.png", SURE)
    write("gone.png", FAULT)

    four, gone = map(json.loads, output.getvalue().splitlines())
    assert (four["file"], four["label"], four["verdict"]) == ("vier \N{EURO SIGN}.png", 4, "digit")
    assert four["probabilities"] == [0.01] * 4 + [0.91] + [0.01] * 5
    assert four["confidence"] == 0.91
    assert gone["error"] == "No such file"
    assert set(gone) == set(four)
    assert {gone[name] for name in gone if name not in ("file", "error")} == {None}


def test_rows_of_csv():
    output = io.StringIO()
    write = csv_rows(output)

    write('a "4", really.png', SURE)
    write("gone.png", FAULT)

    four, gone = csv.DictReader(io.StringIO(output.getvalue()))
    assert four["file"] == 'a "4", really.png'
    assert [float(four[f"p{label}"]) for label in range(10)] == [0.01] * 4 + [0.91] + [0.01] * 5
    assert (gone["label"], gone["p0"], gone["error"]) == ("", "", "No such file")


@pytest.mark.parametrize(("host", "bind"), [("127.0.0.1", "127.0.0.1:8080"), ("::1", "[::1]:8080")])
def test_gunicorn_is_told_where_to_listen(host, bind):
    given = command(host, 8080)

    assert given[given.index("--bind") + 1] == bind
    assert given[-1] == "server:app"


def test_the_port_is_that_of_make_run():
    assert (port_of({}), port_of({"PORT": "8080"})) == (8000, 8080)
