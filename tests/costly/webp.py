"""Costly WebPs: long metadata, many frames and a code for each block of pixels."""

import struct

import numpy as np
from PIL import Image

from tests.conftest import encode
from tests.costly.drawn import UPLOAD_BYTES, page, small_digit
from tests.costly.png import exif_with_long_orientation
from tests.drawing import draw_digit


class Bits:
    """Writer of bits, the least significant first."""

    def __init__(self):
        self.value = self.length = 0
        self.done = bytearray()

    def put(self, value, bits):
        self.value |= value << self.length
        self.length += bits
        while self.length >= 8:
            self.done.append(self.value & 255)
            self.value >>= 8
            self.length -= 8

    def bytes(self):
        return bytes(self.done) + bytes([self.value & 255])


def chunk(kind, content):
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def riff(*chunks):
    content = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def extended(width, height, *chunks, flags=0x2C):
    sizes = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return riff(chunk(b"VP8X", struct.pack("<I", flags) + sizes), *chunks)


def _simple(bits, symbol):
    """Write a prefix code of one symbol, which then takes 0 bits."""
    bits.put(1, 1)
    bits.put(0, 1)
    bits.put(1, 1)
    bits.put(symbol, 8)


def many_groups(side, block_bits, groups, *, cached=0):
    """Return a lossless image with a group of prefix codes for each block.

    Source: RFC 9649, 3.7: the entropy image has the group of each block in red and green.
    """
    bits = Bits()
    bits.put(0x2F, 8)
    bits.put(side - 1, 14)
    bits.put(side - 1, 14)
    bits.put(0, 4)  # no alpha, version 0
    bits.put(0, 1)  # no transform
    bits.put(1 if cached else 0, 1)
    if cached:
        bits.put(cached, 4)
    bits.put(1, 1)  # an entropy image
    bits.put(block_bits - 2, 3)
    blocks = -(-side // (1 << block_bits))
    bits.put(0, 1)  # without a colour cache
    for size in (280, 256, 256, 256):  # green, red, blue, alpha
        _eight_bits(bits, size)
    _simple(bits, 0)  # distance
    for block in range(blocks * blocks):
        group = block % groups
        bits.put(_reversed(group & 255), 8)
        bits.put(_reversed(group >> 8), 8)
        bits.put(0, 8)
        bits.put(0, 8)
    for group in range(groups):
        for _ in range(4):
            _simple(bits, group & 255)
        _simple(bits, 0)
    return riff(chunk(b"VP8L", bits.bytes()))


def _reversed(value):
    return int(f"{value:08b}"[::-1], 2)


def _eight_bits(bits, size):
    """Write a prefix code of 8 bits for each of the first 256 symbols."""
    bits.put(0, 1)
    # Lengths of the code of lengths, in the order 17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8: 0 and 8.
    bits.put(12 - 4, 4)
    for symbol in (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8):
        bits.put(1 if symbol in (0, 8) else 0, 3)
    bits.put(0, 1)  # all symbols follow
    for symbol in range(size):
        bits.put(1 if symbol < 256 else 0, 1)


def frames(side):
    """Return an animation with as many frames as fit."""
    image = encode(draw_digit(4, 16), "WEBP", lossless=True)[12:]
    frame = chunk(b"ANMF", bytes(6) + struct.pack("<I", side - 1)[:3] * 2 + bytes(4) + image)
    times = min(49_000, UPLOAD_BYTES // len(frame))
    return extended(side, side, chunk(b"ANIM", bytes(6)), frame * times, flags=0x02)


FOUR = encode(draw_digit(4), "WEBP")[12:]
SIDE = 200

KINDS = {
    "exif.webp": lambda: _with(b"EXIF", exif_with_long_orientation(UPLOAD_BYTES)),
    "exif-256-kB.webp": lambda: _with(b"EXIF", exif_with_long_orientation(256_000)),
    "xmp.webp": lambda: _with(b"XMP ", b"tiff:Orientation " * (UPLOAD_BYTES // 17)),
    "icc.webp": lambda: _with(b"ICCP", bytes(UPLOAD_BYTES)),
    "chunks.webp": lambda: _with(b"EXIF", b"", 1_900_000),
    "unknown-at-limit.webp": lambda: _with(b"abcd", bytes(300), 49_900),
    "frames.webp": lambda: frames(16),
    "groups.webp": lambda: many_groups(1_024, 2, 65_536),
    "groups-4-MP.webp": lambda: many_groups(2_048, 3, 65_536),
    "groups-cached.webp": lambda: many_groups(1_024, 2, 65_536, cached=11),
    "groups-16-MP.webp": lambda: many_groups(4_000, 4, 62_500, cached=11),
    "groups-at-limit.webp": lambda: many_groups(800, 2, 40_000, cached=11),
    "groups-16-MP-at-limit.webp": lambda: many_groups(4_000, 7, 1_024, cached=11),
    "lossy.webp": lambda: encode(page(4_000, 4_000), "WEBP", method=0),
    "lossy-alpha.webp": lambda: encode(page(4_000, 4_000, "RGBA"), "WEBP", method=0),
    "lossless.webp": lambda: encode(page(4_000, 4_000), "WEBP", lossless=True, method=0),
    "lossless-noise.webp": lambda: _noise(2_200),
    "small-digit.webp": lambda: encode(small_digit(4_000, 4_000), "WEBP", method=0),
    "lossy-noise.webp": lambda: _noise(4_000, lossless=False, quality=60),
}


def _with(kind, content, times=1):
    return extended(SIDE, SIDE, *[chunk(kind, content)] * times, FOUR)


def _noise(side, *, lossless=True, **options):
    grain = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    return encode(Image.fromarray(grain), "WEBP", lossless=lossless, method=0, **options)
