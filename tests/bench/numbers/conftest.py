"""Images of numbers, and a program that stands in for Tesseract."""

import os
import sys

import pytest

from tests.conftest import encode
from tests.drawing import draw_number

#: A program that reads the number in the file's name, and fails on the file `broken.png`.
PROGRAM = """#!{python}
import sys
from pathlib import Path

image = Path(sys.argv[1])
if image.name == "--version":
    print("tesseract 9.9")
elif image.name == "broken.png":
    sys.exit(1)
elif image.suffix:
    assert "tessedit_char_whitelist=0123456789" in sys.argv
    print(image.stem + chr(10) + chr(12))
"""


@pytest.fixture
def images(tmp_path):
    """Two sources of two images each; `broken.png` shows an 8."""
    folder = tmp_path / "images"
    for source, numbers in {
        "ink": {"18014": "18014", "broken": "8"},
        "pencil": {"42": "42"},
    }.items():
        (folder / source).mkdir(parents=True)
        rows = []
        for name, number in numbers.items():
            (folder / source / f"{name}.png").write_bytes(encode(draw_number(number)))
            rows.append(f"{name}.png\t{number}\n")
        (folder / source / "labels.tsv").write_text("".join(rows), encoding="utf-8")
    return folder


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put the program that stands in for Tesseract first on the path."""
    path = tmp_path / "bin" / "tesseract"
    path.parent.mkdir()
    path.write_text(PROGRAM.format(python=sys.executable), encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")
    return path
