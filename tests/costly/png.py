"""Costly PNGs: compressed texts, thousands of chunks, odd sizes."""

import struct
import zlib

import numpy as np
from PIL import Image

from tests.conftest import encode
from tests.costly.drawn import UPLOAD_BYTES, page, small_digit
from tests.drawing import draw_digit

FOUR = encode(draw_digit(4))


def chunk(kind, content=b""):
    total = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + total


def with_chunks(chunks, png=FOUR):
    """Return `png` with chunks in front of its pixels."""
    return png[:33] + chunks + png[33:]


def bare(width, height, depth, colour, data):
    """Return a PNG of these header fields and this data, compressed."""
    header = struct.pack(">II5B", width, height, depth, colour, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(data, 1))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND")


def broken_texts(kind, before):
    """Return a PNG with chunks of 1 kB, each of a megabyte when it is decompressed, and damaged."""
    content = before + zlib.compress(bytes(999_000))[:-20] + b"\xff" * 20
    return with_chunks(chunk(kind, content) * (UPLOAD_BYTES // (len(content) + 12)))


def exif_with_long_orientation(size):
    """Return Exif whose orientation has as many values as `size` bytes hold."""
    count = size // 2 - 13
    entry = struct.pack("<HHII", 0x0112, 3, count, 26)
    return b"II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4) + b"\6\0" * count


def sixteen_bits(picture):
    return Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)


def clear(picture):
    picture.putalpha(picture.convert("L").point(lambda level: 255 - level))
    return picture


def hexadecimal_profile(kind, before):
    """Return a PNG with Exif as ImageMagick writes it, in lines of hexadecimal digits."""
    lines = b"\nexif\n8000000\n" + b"00\n" * (UPLOAD_BYTES // 3)
    return with_chunks(chunk(kind, b"Raw profile type exif\0" + before + lines))


def frames():
    """Return an animation with as many frames as fit."""
    header = chunk(b"acTL", struct.pack(">II", 40_000, 0))
    one = b"".join(
        chunk(b"fcTL", struct.pack(">IIIIIHHBB", 2 * n, 1, 1, 0, 0, 1, 1, 0, 0))
        + chunk(b"fdAT", struct.pack(">I", 2 * n + 1) + b"x" * 300)
        for n in range(20_000)
    )
    return with_chunks(header + one)


KINDS = {
    "zTXt.png": lambda: broken_texts(b"zTXt", b"k\0\0"),
    "iTXt.png": lambda: broken_texts(b"iTXt", b"k\0\1\0\0\0"),
    "iCCP.png": lambda: broken_texts(b"iCCP", b"k\0\0"),
    "xmp.png": lambda: broken_texts(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0"),
    "profile.png": lambda: hexadecimal_profile(b"tEXt", b""),
    "profile-itxt.png": lambda: hexadecimal_profile(b"iTXt", b"\0\0\0\0"),
    "profile-256-kB.png": lambda: with_chunks(
        chunk(b"tEXt", b"Raw profile type exif\0\nexif\n9\n" + b"49492a00\n" * 28_000)
    ),
    "exif.png": lambda: with_chunks(chunk(b"eXIf", exif_with_long_orientation(UPLOAD_BYTES))),
    "exif-256-kB.png": lambda: with_chunks(chunk(b"eXIf", exif_with_long_orientation(256_000))),
    "exif-tags.png": lambda: with_chunks(
        chunk(
            b"eXIf",
            b"II*\0"
            + struct.pack("<IH", 8, 21_000)
            + b"".join(struct.pack("<HHII", 2_000 + n, 3, 1, 1) for n in range(21_000)),
        )
    ),
    "chunks.png": lambda: with_chunks(chunk(b"tEXt") * 1_300_000),
    "chunks-at-limit.png": lambda: with_chunks(chunk(b"teXt", bytes(300)) * 49_900),
    "empty-data.png": lambda: with_chunks(chunk(b"IDAT") * 1_300_000),
    "empty-data-at-limit.png": lambda: with_chunks(chunk(b"IDAT") * 49_900),
    "palette.png": lambda: with_chunks(chunk(b"PLTE", bytes(UPLOAD_BYTES))),
    "palettes.png": lambda: with_chunks(chunk(b"PLTE", bytes(300)) * 40_000),
    "frames.png": frames,
    "behind.png": lambda: (
        FOUR[:-12] + chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(999_000))) * 9_000 + FOUR[-12:]
    ),
    "rgb.png": lambda: encode(page(8_000, 8_000), compress_level=1),
    "small-digit.png": lambda: encode(small_digit(8_000, 8_000), compress_level=1),
    "rgba.png": lambda: encode(clear(page(8_000, 8_000)), compress_level=1),
    "rgba-small-digit.png": lambda: encode(clear(small_digit(8_000, 8_000)), compress_level=1),
    "16-bit.png": lambda: encode(sixteen_bits(page(8_000, 8_000)), compress_level=1),
    "16-bit-small-digit.png": lambda: encode(
        sixteen_bits(small_digit(8_000, 8_000)), compress_level=1
    ),
    "16-bit-rgba.png": lambda: bare(8_000, 8_000, 16, 6, bytes(8_000 * 64_001)),
    "paeth.png": lambda: bare(8_000, 8_000, 16, 6, (b"\4" + bytes(64_000)) * 8_000),
    "paeth-at-limit.png": lambda: bare(8_000, 4_000, 16, 6, (b"\4" + bytes(64_000)) * 4_000),
    "1-bit.png": lambda: bare(8_000, 8_000, 1, 0, bytes(8_000 * 1_001)),
    "1-wide.png": lambda: bare(1, 64_000_000, 8, 0, bytes(128_000_000)),
    "1-wide-at-limit.png": lambda: bare(1, 1_000_000, 8, 0, bytes(1_500_000) + b"\0\xff" * 250_000),
    "1-wide-grey-alpha.png": lambda: bare(
        1, 1_000_000, 8, 4, bytes(1_500_000) + b"\0\xff\xff" * 500_000
    ),
    "60-wide-grey-alpha.png": lambda: bare(
        60, 65_000, 8, 4, (b"\0" + b"\0\xff" * 60) * 30_000 + bytes(121 * 35_000)
    ),
    "64-wide.png": lambda: bare(
        64, 1_000_000, 8, 4, (b"\0" + b"\0\xff" * 64) * 300_000 + bytes(129 * 700_000)
    ),
    "1-high.png": lambda: bare(64_000_000, 1, 8, 0, bytes(32_000_000) + b"\xff" * 32_000_001),
    "20-high.png": lambda: bare(
        3_200_000, 20, 8, 4, (b"\0" + bytes(3_200_000) + b"\xff" * 3_200_000) * 20
    ),
}
