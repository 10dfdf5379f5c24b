import json

import numpy as np
import pytest
from PIL import Image

from dlflask.config import Config
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.evaluate.__main__ import main
from dlflask.web.app import create_app
from tests.conftest import encode
from tests.drawing import draw_digit
from tests.evaluate.samples import serving


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param([], "name a folder or an .npz file", id="nothing"),
        pytest.param(["good", "--numbers", "good"], "use a separate command", id="digits-numbers"),
        pytest.param(["missing"], "missing is not a folder", id="missing-folder"),
        pytest.param(["missing.npz"], "The file missing.npz does not exist", id="missing-file"),
        pytest.param(["empty"], "empty holds no labelled images", id="empty-folder"),
        pytest.param(["--non-digits", "empty"], "empty is empty", id="empty-non-digits"),
        pytest.param(
            ["other.npz"], "other.npz holds the arrays a; expected arrays named x and y", id="names"
        ),
        pytest.param(["floats.npz"], "expected uint8", id="floats"),
        pytest.param(
            ["few.npz"], "images in few.npz is 1, but the number of labels is 2", id="few-images"
        ),
        pytest.param(["ten.npz"], "ten.npz holds the label 10", id="label-10"),
        pytest.param(["good", "--url", "service"], "not the address of a service", id="no-url"),
        pytest.param(["good", "--url", "http://h", "--model", "m"], "not allowed", id="both"),
        pytest.param(
            ["good", "--url", "http://127.0.0.1:9"], "cannot be reached", id="unreachable"
        ),
    ],
)
def test_evaluate_invalid_arguments(tmp_path, monkeypatch, capsys, arguments, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "good" / "4").mkdir(parents=True)
    (tmp_path / "good" / "4" / "a.png").write_bytes(encode(draw_digit(4)))
    np.savez(tmp_path / "other.npz", a=np.zeros(1))
    np.savez(tmp_path / "floats.npz", x=np.zeros((1, 28, 28)), y=np.zeros(1, int))
    np.savez(tmp_path / "few.npz", x=np.zeros((1, 28, 28), np.uint8), y=np.zeros(2, int))
    np.savez(tmp_path / "ten.npz", x=np.zeros((1, 28, 28), np.uint8), y=np.full(1, 10))

    with pytest.raises(SystemExit) as exit_info:
        main(arguments)

    assert exit_info.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


def test_evaluate_service_writes_all_outputs(folder, nearest, tmp_path, capsys):
    with serving(create_app(Config(), DigitRecogniser(nearest))) as url:
        code = main([str(folder), "--url", url, "--output", str(tmp_path / "new" / "out")])

    assert code == 0
    text = capsys.readouterr().out
    assert text.startswith("# Evaluation")
    output = tmp_path / "new" / "out"
    assert (output / "report.md").read_text() == text
    report = json.loads((output / "report.json").read_text())
    assert report["about"]["service"] == url
    assert report["digits"]["accuracy"]["hits"] == 20
    with Image.open(output / "worst.png") as sheet:
        assert sheet.format == "PNG"


def test_evaluate_on_a_terminal(folder, nearest, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)

    with serving(create_app(Config(), DigitRecogniser(nearest))) as url:
        assert main([str(folder), "--url", url]) == 0

    text = capsys.readouterr().out
    assert "90.91% of 22" in text
    assert "| ---" not in text
    assert "# Evaluation" not in text
