"""Read how many prefix codes a lossless WebP may use, without decoding its pixels.

libwebp builds the tables of all prefix codes before it decodes the first pixel. The number of
prefix codes therefore decides how much memory libwebp takes. An image is divided into blocks, and
each block may have its own five prefix codes (a group). In the file, the transforms come first, and
then the size of the blocks. A transform is a change of all pixels, and may contain a small image.
To find the end of this small image, this module reads its symbols one by one and discards them.

Source: RFC 9649, 2024, sections 3.4 to 3.7.
"""

from __future__ import annotations

from typing import NamedTuple

from dlflask.imaging.cost.prefix_codes import Bits, read_code
from dlflask.imaging.decode_limits import MAX_WEBP_SKIPPED_PIXELS

#: Kinds of transforms that contain an image.
_PREDICTOR, _COLOURS, _PALETTE = 0, 1, 3

#: Numbers of symbols: for values of a colour, for lengths of copies, for distances of copies.
_LITERALS, _LENGTHS, _DISTANCES = 256, 24, 40

#: Maximum number of bits that select a colour in the colour cache (the table of recent colours).
_MAX_CACHE_BITS = 11


class Layout(NamedTuple):
    """Number of blocks with their own prefix codes, and number of bits for the colour cache."""

    blocks: int
    cache_bits: int


def read_layout(data: memoryview, width: int, height: int, start: int) -> Layout:
    """Return the layout of a lossless image.

    Args:
        data: Contents of a `VP8L` or `ALPH` chunk.
        width: Width of the image, in pixels.
        height: Height of the image, in pixels.
        start: Offset of the transforms in bytes: the length of the header, 5 for `VP8L`, 1 for
            `ALPH`.

    Raises:
        ValueError: The data is damaged, or its transforms have too many pixels to skip.
    """
    return _layout(Bits(data, start), width, height)


def _layout(bits: Bits, width: int, height: int) -> Layout:
    """Skip the transforms, then read the size of the colour cache and the size of the blocks."""
    # `remaining` is the number of pixels that may still be skipped.
    seen, remaining = set[int](), MAX_WEBP_SKIPPED_PIXELS
    while bits.take(1):
        kind = bits.take(2)
        if kind in seen:
            raise ValueError("a transform occurs twice")
        seen.add(kind)
        if kind == _PALETTE:
            colours = 1 + bits.take(8)
            remaining = _skip_image(bits, colours, remaining)
            # If the palette is small, one stored pixel holds several pixels: 8 if the palette has
            # at most 2 colours, 4 if it has at most 4, and 2 if it has at most 16.
            width = _divided(width, sum(colours <= limit for limit in (2, 4, 16)))
        elif kind in (_PREDICTOR, _COLOURS):
            side = 2 + bits.take(3)
            remaining = _skip_image(bits, _divided(width, side) * _divided(height, side), remaining)
    cache_bits = _cache_bits(bits)
    if not bits.take(1):
        return Layout(1, cache_bits)
    side = 2 + bits.take(3)
    return Layout(_divided(width, side) * _divided(height, side), cache_bits)


def _divided(length: int, bits: int) -> int:
    """Return `length` divided by `2 ** bits`, rounded up."""
    return -(-length >> bits)


def _cache_bits(bits: Bits) -> int:
    """Return the number of bits for the colour cache, or 0 without a colour cache."""
    if not bits.take(1):
        return 0
    size = bits.take(4)
    if not 1 <= size <= _MAX_CACHE_BITS:
        raise ValueError(f"the colour cache has {size} bits; expected 1 to {_MAX_CACHE_BITS}")
    return size


def _skip_image(bits: Bits, pixels: int, remaining: int) -> int:
    """Skip the image in a transform, and return the number of pixels that may still be skipped."""
    remaining -= pixels
    if remaining < 0:
        raise ValueError("the transforms are too long")
    _skip_pixels(bits, pixels, _cache_bits(bits))
    return remaining


def _skip_pixels(bits: Bits, pixels: int, cache_bits: int) -> None:
    """Skip a group of prefix codes and the pixels that are coded with these codes."""
    cached = 1 << cache_bits if cache_bits else 0
    sizes = (_LITERALS + _LENGTHS + cached, 256, 256, 256, _DISTANCES)
    green, *colour_tables, distance = (read_code(bits, size) for size in sizes)
    # Leave out codes with only one symbol, because such a symbol takes no bits.
    colour_tables = [table for table in colour_tables if len(table) > 1]
    done = 0
    while done < pixels:
        symbol = bits.symbol(green)
        if symbol < _LITERALS:
            bits.skip_symbols(colour_tables)
            done += 1
        elif symbol < _LITERALS + _LENGTHS:
            done += _copied(bits, symbol - _LITERALS)
            _copied(bits, bits.symbol(distance))
        else:
            done += 1
    if done > pixels:
        raise ValueError("a copy goes beyond the image")


def _copied(bits: Bits, prefix: int) -> int:
    """Return the length or distance of a copy, computed from `prefix` and the bits after it."""
    if prefix < 4:
        return prefix + 1
    extra = (prefix - 2) >> 1
    return ((2 + (prefix & 1)) << extra) + bits.take(extra) + 1
