"""Characters of other scripts as non-digits."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")
ttlib = pytest.importorskip("fontTools.ttLib")

from dlflask.train.synthesis import other_scripts  # noqa: E402

pytestmark = pytest.mark.train

CHARACTERS = "".join(other_scripts.CHARACTERS.values())


def test_characters_are_different_letters():
    assert len(CHARACTERS) > 500
    assert len(set(CHARACTERS)) == len(CHARACTERS)
    assert {unicodedata.category(character)[0] for character in CHARACTERS} == {"L"}


def test_font_contains_all_characters():
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / other_scripts.FONT

    assert {ord(character) for character in CHARACTERS} <= set(ttlib.TTFont(path).getBestCmap())


def test_draw_other_scripts():
    fields = other_scripts.draw_other_scripts(52, np.random.default_rng(0))

    assert fields.shape == (52, 56, 56)
    has_ink = (fields == 0).any(axis=(1, 2))
    assert has_ink.all()
