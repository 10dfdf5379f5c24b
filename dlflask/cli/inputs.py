"""Image files that the command line names."""

from __future__ import annotations

import glob
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from dlflask.errors import DlflaskError
from dlflask.web.uploads.limits import check_size

#: Name on the command line that stands for standard input.
STANDARD_INPUT = "-"

#: Suffixes of the files that are read if the command line names their folder. If the command line
#: names a file itself, its suffix does not matter.
SUFFIXES = frozenset(
    ".png .jpg .jpeg .webp .gif .bmp .tif .tiff .avif .heic .heif".split()  # noqa: SIM905
)


def read_file(name: str, max_bytes: int) -> bytes | DlflaskError:
    """Return the bytes of a file, or an error if it is missing, empty or larger than `max_bytes`.

    Errors are returned, because the command reports each error in the place of a prediction.
    """
    try:
        if name == STANDARD_INPUT:
            upload = sys.stdin.buffer.read(max_bytes + 1)
        else:
            path = Path(name)
            if path.is_file():
                check_size(path.stat().st_size, max_bytes)
            upload = path.read_bytes()
        check_size(len(upload), max_bytes)
    except DlflaskError as error:
        return error
    except FileNotFoundError:
        is_pattern = glob.has_magic(name)
        return DlflaskError(
            "No file matches this pattern" if is_pattern else "No such file or folder"
        )
    except IsADirectoryError:
        return DlflaskError("This folder holds no images")
    except OSError as error:
        return DlflaskError(error.strerror or str(error))
    return upload


def find_files(names: Sequence[str]) -> list[str]:
    """Replace each folder by the images in it and below it, and each pattern by the matching files.

    A name without a match is kept, so that the output can report the error for this name.
    """
    return [file for name in names for file in _expand(name)]


def _expand(name: str) -> Iterator[str]:
    path = Path(name)
    if name == STANDARD_INPUT or path.is_file():
        yield name
    elif path.is_dir():
        images = (file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
        yield from sorted(str(file) for file in images if file.is_file()) or [name]
    else:
        # `Path.glob` does not accept an absolute pattern.
        yield from sorted(glob.glob(name, recursive=True)) or [name]  # noqa: PTH207
