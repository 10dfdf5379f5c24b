"""Remove comments and application data before the first frame of a GIF.

Source: CompuServe, Graphics Interchange Format 89a, 1990.
"""

from __future__ import annotations

from dlflask.imaging.decode_limits import MAX_PIECES
from dlflask.imaging.formats.invalid_file import InvalidFile
from dlflask.imaging.metadata.cuts import cut_out

#: First byte of every extension, and kind of the extension that contains the transparent colour.
_EXTENSION, _GRAPHIC_CONTROL = 0x21, 0xF9


def strip_gif(upload: bytes) -> bytes:
    """Return the GIF with only those extensions that change how its first frame is drawn.

    Raises:
        InvalidFile: The GIF has too many blocks before its first frame.
        IndexError: The GIF is truncated.
    """
    flags, position, blocks, cuts = upload[10], 13, 0, []
    if flags & 128:  # The file has a palette for all frames. Skip it.
        position += 3 << ((flags & 7) + 1)
    while upload[position] == _EXTENSION:
        start, position = position, position + 2
        while size := upload[position]:
            position += 1 + size
            blocks += 1
            if blocks > MAX_PIECES:
                raise InvalidFile(f"it has more blocks than the limit of {MAX_PIECES:,}")
        position += 1
        blocks += 1
        if upload[start + 1] != _GRAPHIC_CONTROL:
            cuts.append((start, position))
    return cut_out(upload, cuts)
