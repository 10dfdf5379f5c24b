"""Complete a truncated JPEG, and measure how many of its rows the file contains.

Some camera modules leave out the end marker, and broken uploads lack the last bytes. Decoders fill
the rest of the image with grey, but do not report where the grey begins. To find this place, this
module decodes the file twice, with different data after the end.

Source: ITU-T T.81, 1992, sections B.1.1.3, B.2.3 and G.1.2.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlflask.imaging.formats.invalid_file import InvalidFile

#: Maximum part of the coded data that may be missing.
MAX_MISSING = 0.1

#: The end marker, and the byte with which every marker begins.
_END, _MARKER = b"\xff\xd9", b"\xff"

#: Data that is appended to the file for one of the two decodings. The first pixel that differs
#: between them shows where the file's own data ends.
_OTHER_DATA = bytes(range(255)) * 4

#: Start of a scan's header: marker, length, and number of components. The rest of the header lists
#: the components, the first and the last coefficient, and the number of bits that later scans add.
_SCAN = re.compile(rb"\xff\xda\0[\x08\x0a\x0c\x0e]([\1-\4])", re.DOTALL)

#: Number of the last coefficient in a block of 8 x 8.
_LAST_COEFFICIENT = 63


class JpegLayout(NamedTuple):
    """Layout of a JPEG.

    Attributes:
        height: Height of the image in pixels.
        components: Number of colour components; 1 for a grey image.
        block: Height and width in pixels of the blocks in which the image is coded.
    """

    height: int
    components: int
    block: tuple[int, int]


class CompletedJpeg(NamedTuple):
    """JPEG with an end marker.

    Attributes:
        upload: The file.
        row_share: Part of the image's rows, from the top, that the file contains, 0..1. The decoder
            fills the other rows with grey.
    """

    upload: bytes
    row_share: float


def complete_jpeg(
    upload: bytes, layout: JpegLayout, decode: Callable[[bytes], NDArray[Any]]
) -> CompletedJpeg:
    """Return the file with an end marker, and the part of its rows that is not missing.

    Args:
        upload: JPEG whose end is missing.
        layout: Layout of the JPEG.
        decode: Function that returns the (height, width) or (height, width, channels) pixels of
            a JPEG, possibly at a smaller scale.

    Raises:
        InvalidFile: More than `MAX_MISSING` of the data is missing.
    """
    data = upload.rstrip(_MARKER)
    scans = list(_SCAN.finditer(data))
    if not scans or not _has_all_scans(data, scans, layout.components):
        raise InvalidFile("more than a tenth of it is missing")
    differs = decode(data + _END) != decode(data + _OTHER_DATA + _END)
    mask = differs.any(axis=2) if differs.ndim == 3 else differs
    scale = len(mask) / layout.height
    block = max(1, round(layout.block[0] * scale)), max(1, round(layout.block[1] * scale))
    missing = _missing_part(mask, block)
    length = len(data) - scans[-1].start()
    # The last scan lacks `n = missing * length / (1 - missing)` bytes. To avoid a division by 0,
    # the condition `n > MAX_MISSING * (n + len(data))` is multiplied by `1 - missing`.
    if missing * length > MAX_MISSING * (missing * length + (1 - missing) * len(data)):
        raise InvalidFile("more than a tenth of it is missing")
    # If the JPEG has several scans, all rows exist, and only fine detail is missing.
    row_share = mask.any(axis=1).argmax() / len(mask) if len(scans) == 1 and mask.any() else 1.0
    return CompletedJpeg(data + _END, float(row_share))


def _has_all_scans(data: bytes, scans: list[re.Match[bytes]], components: int) -> bool:
    """Return True if `scans` contain all bits of all components, so that no scan is missing."""
    # Components with a complete constant coefficient, and those with complete further coefficients.
    constant, further = set[int](), set[int]()
    for scan in scans:
        count = scan[1][0]
        ids = data[scan.end() : scan.end() + 2 * count : 2]
        first, last, bits = data[scan.end() + 2 * count : scan.end() + 2 * count + 3].ljust(
            3, b"\xff"
        )
        if bits & 15 == 0:
            constant.update(ids if first == 0 else b"")
            further.update(ids if last == _LAST_COEFFICIENT else b"")
    return len(constant & further) >= components


def _missing_part(mask: NDArray[np.bool_], block: tuple[int, int]) -> float:
    """Return how much of the image comes after the first block that `mask` marks, 0..1.

    Args:
        mask: (height, width).
        block: Height and width of a block.
    """
    rows = np.logical_or.reduce(mask, axis=1)
    if not rows.any():
        return 0.0
    row = _block_of(rows, block[0])
    band = mask[row * block[0] : (row + 1) * block[0]]
    column = _block_of(np.logical_or.reduce(band, axis=0), block[1])
    num_rows, num_columns = (-(-side // size) for side, size in zip(mask.shape, block, strict=True))
    return 1 - (row * num_columns + column + 1) / (num_rows * num_columns)


def _block_of(mask: NDArray[Any], block: int) -> int:
    """Return the number of the first marked block along the only axis of `mask`.

    If colours have half resolution, a change in a block also marks the last pixel of the previous
    block. The result is therefore the block of the pixel after the first marked pixel.
    """
    first = int(mask.argmax())
    return (first + (block > 1 and first > 0)) // block
