"""Cut parts out of a file."""

from __future__ import annotations

from collections.abc import Iterable

#: Start and end of a part, in bytes from the start of the file.
Part = tuple[int, int]


def cut_out(upload: bytes, parts: Iterable[Part]) -> bytes:
    """Return `upload` without `parts`, which are in file order; `upload` itself without parts."""
    view, kept, start = memoryview(upload), [], 0
    for begin, end in parts:
        kept.append(view[start:begin])
        start = end
    return b"".join([*kept, view[start:]]) if start else upload
