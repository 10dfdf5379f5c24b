"""What was named on the command line in, the picture files it stands for out."""

from __future__ import annotations

import glob
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dlflask.errors import DlflaskError
from dlflask.web.uploads import check_size

#: Standard input, as everywhere.
STANDARD_INPUT = "-"

#: What is taken of a folder. A file that is named itself is read whatever it is called.
SUFFIXES = frozenset(
    ".png .jpg .jpeg .webp .gif .bmp .tif .tiff .avif .heic .heif".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Named:
    """One picture, under the name by which its answer is given."""

    name: str

    def read(self, max_bytes: int) -> bytes:
        """Its bytes.

        Raises:
            OSError: There is no such file, or it cannot be read.
            DlflaskError: It is empty, or larger than `max_bytes`.
        """
        if self.name == STANDARD_INPUT:
            upload = sys.stdin.buffer.read(max_bytes + 1)
        else:
            path = Path(self.name)
            if path.is_file():
                check_size(path.stat().st_size, max_bytes)
            upload = path.read_bytes()
        check_size(len(upload), max_bytes)
        return upload

    def read_or_fault(self, max_bytes: int) -> bytes | DlflaskError:
        """Its bytes, or what is wrong with it, in words for its row."""
        try:
            return self.read(max_bytes)
        except DlflaskError as fault:
            return fault
        except OSError as fault:
            return DlflaskError(fault.strerror or str(fault))


def find_files(names: Sequence[str]) -> list[Named]:
    """Files as they are, folders with all pictures in them, patterns as a shell would expand them.

    What does not exist, or is a folder without pictures, is kept: its own row says so.
    """
    return [Named(name) for each in names for name in _expand(each)]


def _expand(name: str) -> Iterator[str]:
    path = Path(name)
    if name == STANDARD_INPUT or path.is_file():
        yield name
    elif path.is_dir():
        found = (one for one in path.rglob("*") if one.suffix.lower() in SUFFIXES)
        yield from sorted(str(one) for one in found if one.is_file()) or [name]
    else:
        # pathlib's own glob takes no absolute pattern.
        yield from sorted(glob.glob(name, recursive=True)) or [name]  # noqa: PTH207
