"""Labelled images of numbers, from folders that contain a table `labels.tsv`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dlflask.evaluate.dataset import LabelledImage

#: Name of the table in each folder.
TABLE = "labels.tsv"


def find_numbers(folder: Path) -> list[LabelledImage]:
    """Find the images that are named in the tables `labels.tsv` of `folder` and of its subfolders.

    Each line of a table is a file, a tab and a number with its separators and sign. The source of
    an image is the name of the folder that contains the table.

    Raises:
        FileNotFoundError: The folder does not exist, or it contains no table.
        ValueError: The tables are empty, or a line is not a file, a tab and a number.
    """
    tables = sorted([*folder.glob(TABLE), *folder.glob(f"*/{TABLE}")])
    if not tables:
        raise FileNotFoundError(
            f"{folder} and the folders in it lack the table {TABLE}. Write one with a line for "
            "each image: the file, a tab and the number, as in 0001.png<tab>18014."
        )
    images = [image for table in tables for image in _read_table(table, folder)]
    if not images:
        raise ValueError(f"{tables[0]} is empty. Write a line for each image.")
    return images


def _read_table(table: Path, folder: Path) -> Iterator[LabelledImage]:
    lines = table.read_text(encoding="utf-8").splitlines()
    for line_number, line in enumerate(lines, start=1):
        file, *rest = line.split("\t")
        if len(rest) != 1 or not rest[0]:
            raise ValueError(
                f"Line {line_number} of {table} is {line[:80]!r}; expected a file, a tab and a "
                "number."
            )
        path = table.parent / file
        name = path.relative_to(folder).as_posix()
        yield LabelledImage(name, table.parent.resolve().name, rest[0], path.read_bytes)
