import re
import shutil
import subprocess
import sys
from importlib.util import find_spec

import pytest

from bench.__main__ import main
from bench.numbers.command import choose
from bench.numbers.table import read
from dlflask.evaluate.dataset import LabelledImage
from dlflask.evaluate.numbers.dataset import find_numbers
from tests.readme import read as read_page
from tests.serving import ROOT

#: The documentation's command that writes the labels of a public set.
LABELS = (
    "cd latecki && for f in images/*/train/*; do n=${f##*/}; "
    """printf '%s\\t%s\\n' "$f" "${n%%-*}"; done >labels.tsv"""
)


def run(*arguments):
    return main(["numbers", *map(str, arguments)])


@pytest.mark.slow
def test_compare_program_and_missing_peers(images, program, tmp_path, capsys):
    readers = ["tesseract"] if find_spec("rapidocr") else ["tesseract", "ppocr", "rapidocr-960"]
    assert run(images, "--readers", *readers, "--output", tmp_path / "out") == 0

    about, rows = read(tmp_path / "out" / "numbers.json")
    assert about["images"] == "ink 2, pencil 1"
    assert (rows[0].right.hits, rows[0].right.count) == (2, 3)
    assert rows[0].macro == 0.75
    assert rows[0].version == "tesseract 9.9"
    assert rows[0].cpu_milliseconds > 1, "the CPU time of child processes counts"
    assert rows[0].peak_megabytes > 1
    assert [error.partition(":")[0] for error in rows[0].errors] == ["ink/broken.png"]
    printed = capsys.readouterr().out
    assert "| Tesseract, restricted to digits | 3 | 66.7% | 20.8% to 93.9% | 75.0% |" in printed
    assert (
        "## Errors, counted as wrong\n\n- Tesseract, restricted to digits: ink/broken.png"
        in printed
    )
    for row in rows[1:]:
        assert "pip install --no-deps -r bench/requirements-peers.txt" in row.missing
        assert f"- {row.reader}. To run it: `python3 -m venv" in printed


@pytest.mark.model
def test_compare_own_readers(images, tmp_path):
    (images / "ink" / "labels.tsv").write_text("18014.png\t18014\n", encoding="utf-8")

    assert run(images, "--readers", "dlflask", "http", "--output", tmp_path / "out") == 0

    _, rows = read(tmp_path / "out" / "numbers.json")
    if sys.platform != "linux":
        assert "on Linux only" in rows.pop().missing
    for row in rows:
        assert (row.right.hits, row.right.count) == (2, 2)
        assert row.errors == []
        assert 0.1 < row.cpu_milliseconds < 5_000
        assert row.peak_megabytes > 20
        assert row.installed_megabytes > 100


def test_program_that_is_not_installed(images, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("tesseract") is None

    assert run(images, "--readers", "tesseract") == 0

    assert re.search(r"\| Tesseract, restricted to digits \| not run \|", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--limit", "0"], "received 0; expected at least 1"),
        (["--readers", "eyes"], "invalid choice: 'eyes'"),
    ],
)
def test_command_with_invalid_arguments(images, capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        run(images, *arguments)

    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_command_with_a_python_that_does_not_run(images, capsys):
    with pytest.raises(SystemExit) as ended:
        run(images, "--readers", "ppocr", "--peers-python", images / "python")

    assert ended.value.code == 1
    assert "images/python" in capsys.readouterr().err


def test_reader_that_ends(images, capsys):
    with pytest.raises(SystemExit) as ended:
        run(images, "--readers", "ppocr", "--peers-python", shutil.which("false"))

    assert ended.value.code == 1
    assert "The process of the reader ppocr ended with status 1." in capsys.readouterr().err


def test_command_without_labels(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        run(tmp_path)

    assert ended.value.code == 1
    assert "lack the table labels.tsv" in capsys.readouterr().err


def test_choose_takes_the_same_images_again(images):
    many = [LabelledImage(str(i), source, "1", bytes) for source in "ab" for i in range(50)]

    chosen = choose(many, 5)

    assert chosen == choose(many, 5)
    assert [image.source for image in chosen] == ["a"] * 5 + ["b"] * 5
    names = [image.name for image in choose(find_numbers(images), 9)]
    assert names == ["ink/18014.png", "ink/broken.png", "pencil/42.png"]


def test_labels_of_the_public_set(tmp_path):
    for name in ("set-1/train/0123456789-Set-1.png", "set-2/test/1111111111-Set-2.png"):
        file = tmp_path / "latecki" / "images" / name
        file.parent.mkdir(parents=True)
        file.touch()

    subprocess.run(["sh", "-c", LABELS], cwd=tmp_path, check=True)

    (found,) = find_numbers(tmp_path / "latecki")
    assert found.label == "0123456789"
    assert found.name == "images/set-1/train/0123456789-Set-1.png"
    assert LABELS.removeprefix("cd latecki") in read_page(ROOT / "docs" / "performance.md")


def test_requirements_of_peers_are_exact():
    lines = (ROOT / "bench" / "requirements-peers.txt").read_text(encoding="utf-8").splitlines()
    requirements = [line for line in lines if not line.startswith("#")]

    assert [line for line in requirements if not re.fullmatch(r"[\w-]+==[\w.]+", line)] == []
    assert {"rapidocr", "onnxruntime"} < {line.split("==")[0] for line in requirements}
