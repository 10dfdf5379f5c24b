"""Cut parts out of a file."""

from __future__ import annotations

from collections.abc import Iterable

#: Start and end of a part, in bytes from the start of the file.
Part = tuple[int, int]


def cut_out(upload: bytes, parts: Iterable[Part]) -> bytes:
    """Return a copy of `upload` with `parts` removed.

    The parts must be in file order. If there are no parts, return `upload` itself.
    """
    view, kept, previous_end = memoryview(upload), [], 0
    for start, end in parts:
        kept.append(view[previous_end:start])
        previous_end = end
    return b"".join([*kept, view[previous_end:]]) if previous_end else upload
