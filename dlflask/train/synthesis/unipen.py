"""Reader of UNIPEN's digits and letters: strokes of a pen, recorded from writers of many countries.

The release is train_r01_v07 (https://doi.org/10.5281/zenodo.1195803, CC BY 4.0). Its folders
`data/1a`, `data/1b` and `data/1c` contain files with the labels of digits, capital letters and
small letters, usually one file for each writer. Such a file includes files of the folder `include`,
which contain the strokes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlflask.train.synthesis.stroke_drawing import Figure, Stroke

#: Folders of `data/1a`, `data/1b` and `data/1c` that are read. In the other folders, labels are
#: assigned to wrong strokes, or digits lack strokes.
SOURCES = ("aga", "apa", "apb", "app", "art", "ced", "gmd", "imp", "syn", "uqb", "val")

#: Letters that are read as non-digits. Many people write the other letters like a digit. Of the
#: letters in `_RARER`, which some people write like a digit, only every second one is read.
_LETTERS, _RARER = frozenset("ACEFHKLMNPQRTUVWXacdefhkmnprtuvwx"), frozenset("BGJYjy")

#: Label of a character: the numbers of its strokes (such as 12, 12-14 or 12,15-16), then its
#: quality, then the character.
_LABEL = re.compile(r'\.SEGMENT\s+CHARACTER\s+([\d,-]+)\s+\S+\s+"(\S)"')

#: Maximum width of a digit, relative to its height. Wider figures are two digits or only dots.
_MAX_WIDTH = 1.3


@dataclass(frozen=True)
class Writer:
    """Digits of one writer.

    Attributes:
        figures: Strokes of each digit, where y increases downwards.
        labels: Label of each digit, 0 to 9.
    """

    figures: list[Figure]
    labels: list[int]


def read_unipen(folder: Path) -> list[Writer]:
    """Read the writers of the UNIPEN release in `folder`.

    Raises:
        FileNotFoundError: `folder` contains no such release.
    """
    paths = _find_files(folder, "1a")
    writers = [writer for path in paths if (writer := _read_writer(path, folder)).labels]
    if not writers:
        raise FileNotFoundError(
            f"{folder} contains no digits of UNIPEN; expected the folders `data/1a` and `include` "
            "of the release train_r01_v07."
        )
    return writers


def read_letters(folder: Path) -> list[Figure]:
    """Read the letters of the UNIPEN release in `folder` that look different from all digits.

    Raises:
        FileNotFoundError: `folder` contains no such letters.
    """
    letters, rarer = [], []
    for path in _find_files(folder, "1b") + _find_files(folder, "1c"):
        for figure, character in _read_figures(path, folder):
            if character in _LETTERS:
                letters.append(figure)
            elif character in _RARER:
                rarer.append(figure)
    if not letters:
        raise FileNotFoundError(
            f"{folder} contains no letters of UNIPEN; expected the folders `data/1b`, `data/1c` "
            "and `include` of the release train_r01_v07."
        )
    return letters + rarer[::2]


def _find_files(folder: Path, part: str) -> list[Path]:
    """Return the files with the labels of one part of the release, such as `1a`."""
    folders = [folder / "data" / part / source for source in SOURCES]
    return sorted(path for source in folders for path in source.rglob("*.dat"))


def _read_writer(path: Path, folder: Path) -> Writer:
    digits = [
        (figure, int(character))
        for figure, character in _read_figures(path, folder)
        if character.isdecimal() and _is_digit(figure)
    ]
    return Writer([figure for figure, _ in digits], [label for _, label in digits])


def _read_figures(path: Path, folder: Path) -> Iterator[tuple[Figure, str]]:
    """Yield the strokes of each labelled character in a file, and the character."""
    text = _read_text(path)
    strokes = list(_read_strokes(text, folder))
    for numbers, character in _LABEL.findall(text):
        figure = [strokes[i] for i in _parse_numbers(numbers) if i < len(strokes)]
        if figure:
            yield figure, character


def _read_text(path: Path) -> str:
    return path.read_text(encoding="latin-1")


def _parse_numbers(text: str) -> list[int]:
    numbers: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def _read_strokes(text: str, folder: Path) -> Iterator[Stroke]:
    """Yield the strokes of a file and of the files that it includes."""
    coordinates = ["X", "Y"]
    points: list[list[float]] | None = None  # None while the pen does not touch the paper
    for line in [*_read_lines(text, folder), ".PEN_UP"]:
        keyword, *values = line.split()
        if not keyword.startswith("."):
            if points is not None:
                numbers = np.array([keyword, *values], float).reshape(-1, len(coordinates))
                x, y = coordinates.index("X"), coordinates.index("Y")
                points += (numbers[:, (x, y)] * (1, -1)).tolist()
        elif keyword == ".COORD":
            coordinates = values
        elif keyword in {".PEN_DOWN", ".PEN_UP"}:
            if points is not None:
                yield np.array(points).reshape(-1, 2)
            points = [] if keyword == ".PEN_DOWN" else None


def _read_lines(text: str, folder: Path) -> Iterator[str]:
    """Yield the lines that are not empty. Replace each `.INCLUDE` by the lines of its file."""
    for line in text.splitlines():
        if line.startswith(".INCLUDE"):
            yield from _read_lines(_read_text(folder / "include" / line.split()[1]), folder)
        elif line.strip():
            yield line


def _is_digit(figure: Figure) -> bool:
    points = np.concatenate(figure)
    width, height = points.max(axis=0) - points.min(axis=0)
    return bool(height > 0 and width <= _MAX_WIDTH * height)
