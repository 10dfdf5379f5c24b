"""UNIPEN's format: labels point at strokes, which other files contain."""

import numpy as np
import pytest

from dlflask.train.synthesis.unipen import read_letters, read_unipen

LABELS = """.VERSION 1.0
.INCLUDE aga/setup.doc
.INCLUDE aga/data/ann.dat
.SEGMENT CHARACTER 0 ? "1"
.SEGMENT CHARACTER 1-2 GOOD "4"
.SEGMENT CHARACTER 3 ? "a"
.SEGMENT CHARACTER 4 ? "7"
.SEGMENT CHARACTER 9 ? "8"
"""
#: An "a", an "o" that could be a 0, and three of the letters of which every second one is read.
LETTERS = """.INCLUDE aga/setup.doc
.INCLUDE aga/data/ann.dat
.SEGMENT CHARACTER 1-2 ? "a"
.SEGMENT CHARACTER 0 ? "o"
.SEGMENT CHARACTER 0 ? "G"
.SEGMENT CHARACTER 1 ? "j"
.SEGMENT CHARACTER 2 ? "y"
"""
STROKES = """.PEN_DOWN
10 100 0
12 50 1
.PEN_UP
11 40 2
.PEN_DOWN
0 100 0
0 50 1
.PEN_DOWN
40 100 0
40 0 1
.PEN_UP
.PEN_DOWN
0 0 0
.PEN_DOWN
0 0 0
90 5 1
.PEN_UP
"""


@pytest.fixture
def release(tmp_path):
    for name, text in {
        "data/1a/aga/ann.dat": LABELS,
        "data/1c/aga/ann.dat": LETTERS,
        "include/aga/setup.doc": ".COMMENT Z\xfcrich\n.COORD X Y T\n",
        "include/aga/data/ann.dat": STROKES,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="latin-1")
    return tmp_path


def test_read_unipen(release):
    (writer,) = read_unipen(release)

    # The letter, the flat stroke labelled "7" and the stroke that does not exist are left out.
    assert writer.labels == [1, 4]
    np.testing.assert_array_equal(writer.figures[0], [[[10, -100], [12, -50]]])
    np.testing.assert_array_equal(writer.figures[1], [[[0, -100], [0, -50]], [[40, -100], [40, 0]]])


def test_read_unipen_of_other_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="contains no digits of UNIPEN"):
        read_unipen(tmp_path)


def test_read_letters(release):
    a, g, y = read_letters(release)

    np.testing.assert_array_equal(a, [[[0, -100], [0, -50]], [[40, -100], [40, 0]]])
    np.testing.assert_array_equal(g, [[[10, -100], [12, -50]]])
    np.testing.assert_array_equal(y, [[[40, -100], [40, 0]]])


def test_read_letters_of_release_without_letters(release):
    (release / "data/1c/aga/ann.dat").unlink()

    with pytest.raises(FileNotFoundError, match="contains no letters of UNIPEN"):
        read_letters(release)
