"""Estimate the memory that libwebp takes for the prefix codes of a lossless image."""

from __future__ import annotations

from dlflask.imaging.cost.vp8l_layout import Layout, read_layout
from dlflask.imaging.decode_limits import (
    BYTES_PER_LOSSLESS_BYTE,
    BYTES_PER_TABLE_ENTRY,
    BYTES_PER_WEBP_GROUP,
    BYTES_PER_WEBP_GROUP_HEADER,
    MAX_WEBP_GROUPS,
    MAX_WEBP_UNUSED_GROUPS,
    WEBP_GROUPS_PER_BYTE,
    WEBP_PIXELS_PER_GROUP,
    WEBP_TABLE_ENTRIES,
)
from dlflask.imaging.metadata.webp import Chunk, image_chunks, size_of_lossless, size_of_lossy

#: Number of bytes before the coded bits of a `VP8L` and of an `ALPH` chunk.
_LOSSLESS_HEADER, _OPACITY_HEADER = 5, 1

#: In the first byte of an `ALPH` chunk, the bits of `_COMPRESSION` tell how the chunk is
#: compressed. If their value is `_COMPRESSED`, the chunk is coded like `VP8L`. If it is 0, the
#: chunk is not compressed.
_COMPRESSION, _COMPRESSED = 3, 1


def estimate_tables(upload: bytes, pixels: int, enough: int) -> int:
    """Return the maximum memory in bytes of the tables, or 0 if no part of the file is lossless.

    Args:
        upload: WebP file.
        pixels: Number of pixels of the image.
        enough: Memory in bytes. If an estimate by the size of the file is at most `enough`, return
            this estimate. Otherwise read the layout of the file for a lower estimate.
    """
    chunks = image_chunks(upload)
    length = sum(len(content) for kind, content in chunks if kind != b"VP8 ")
    groups = min(
        MAX_WEBP_GROUPS, pixels // WEBP_PIXELS_PER_GROUP, int(length * WEBP_GROUPS_PER_BYTE)
    )
    estimate = groups * BYTES_PER_WEBP_GROUP + length * BYTES_PER_LOSSLESS_BYTE
    if estimate <= enough:
        return estimate
    try:
        layout = _read_layout(chunks)
    except (ValueError, IndexError):
        return estimate
    entries = WEBP_TABLE_ENTRIES + (1 << layout.cache_bits)
    bytes_per_group = entries * BYTES_PER_TABLE_ENTRY + BYTES_PER_WEBP_GROUP_HEADER
    groups = min(max(layout.blocks, MAX_WEBP_UNUSED_GROUPS), MAX_WEBP_GROUPS)
    return min(estimate, groups * bytes_per_group)


def _read_layout(chunks: list[Chunk]) -> Layout:
    """Return the layout of the only lossless part of an image.

    Raises:
        ValueError: The lossless part cannot be read, or the image has several lossless parts.
    """
    contents = dict(chunks)
    if len(contents) == len(chunks):
        if contents.keys() == {b"VP8L"}:
            data = contents[b"VP8L"]
            return read_layout(data, *size_of_lossless(data), _LOSSLESS_HEADER)
        if contents.keys() == {b"VP8 ", b"ALPH"}:
            data = contents[b"ALPH"]
            if data[0] & _COMPRESSION != _COMPRESSED:
                return Layout(0, 0)
            return read_layout(data, *size_of_lossy(contents[b"VP8 "]), _OPACITY_HEADER)
    raise ValueError("the image does not have exactly one lossless part")
