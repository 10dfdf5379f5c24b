"""Costly GIFs and BMPs."""

import struct

from tests.conftest import encode
from tests.costly.drawn import UPLOAD_BYTES, page, small_digit
from tests.drawing import draw_digit

GIF = encode(draw_digit(4), "GIF")


def before_the_frame(extensions):
    return GIF.replace(b"\x2c", extensions + b"\x2c", 1)


def many_frames():
    """Return a GIF of as many frames of one pixel as an upload may hold."""
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\2\2\x44\1\0"
    return GIF[:-1] + frame * (UPLOAD_BYTES // len(frame)) + b";"


def screen(side, disposal):
    """Return a GIF with a screen and a frame of `side` pixels, with hardly any data."""
    control = b"\x21\xf9\4" + bytes([disposal << 2 | 1]) + b"\0\0\1\0"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\2\2\x44\1\0\x3b"
    return b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + bytes(6) + control + frame


def run_length(width, height, data, compression=1):
    """Return a run-length encoded BMP of 8 or 4 bits per pixel."""
    bits = 8 if compression == 1 else 4
    palette = b"".join(bytes([n, n, n, 0]) for n in range(256)) if compression == 1 else bytes(64)
    header = struct.pack(
        "<IIIHHIIIIII", 40, width, height, 1, bits, compression, len(data), 0, 0, 0, 0
    )
    start = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + header + palette + data


KINDS = {
    "comments.gif": lambda: before_the_frame(b"\x21\xfe\1a\0" * 3_200_000),
    "comments-at-limit.gif": lambda: before_the_frame(b"\x21\xfe\1a\0" * 24_900),
    "comment.gif": lambda: before_the_frame(b"\x21\xfe" + (b"\xff" + b"a" * 255) * 49_000 + b"\0"),
    "application.gif": lambda: before_the_frame(
        b"\x21\xff\x0bNETSCAPE2.0" + b"\1a" * 7_000_000 + b"\0"
    ),
    "controls.gif": lambda: before_the_frame(b"\x21\xf9\4\0\0\0\0\0" * 24_900),
    "frames.gif": many_frames,
    "small-blocks.gif": lambda: screen(8_000, 0)[:-5] + b"\1\x44" * 7_900_000 + b"\0;",
    "screen.gif": lambda: screen(8_000, 0),
    "background.gif": lambda: screen(8_000, 2),
    "previous.gif": lambda: screen(8_000, 3),
    "page.gif": lambda: encode(page(8_000, 8_000, "L"), "GIF"),
    "small-digit.gif": lambda: encode(small_digit(8_000, 8_000, "P"), "GIF"),
    "end-of-line.bmp": lambda: run_length(8_000, 8_000, b"\1\0\0\0" * 8_000),
    "end-of-line-at-limit.bmp": lambda: run_length(2_000, 2_000, b"\1\1\0\0" * 1_999 + b"\2\2\0\1"),
    "delta.bmp": lambda: run_length(2_000, 2_000, b"\1\1" + b"\0\2\1\0" * 16_000 + b"\0\1"),
    "runs.bmp": lambda: run_length(2_000, 2_000, b"\2\1" * 24_000 + b"\0\1"),
    "runs-4-bit.bmp": lambda: run_length(2_000, 2_000, (b"\xff\x12" * 8 + b"\0\0") * 2_000, 2),
    "absolute-4-bit.bmp": lambda: run_length(
        2_000, 2_000, b"".join(b"\0\xfe" + b"\x12" * 127 + b"\0" for _ in range(16_000)), 2
    ),
    "1-bit.bmp": lambda: encode(page(8_000, 8_000, "1"), "BMP"),
    "grey.bmp": lambda: encode(page(4_000, 3_900, "L"), "BMP"),
    "1-wide.bmp": lambda: encode(page(1, 1_000_000, "1"), "BMP"),
    "palette-of-65536.bmp": lambda: (
        run_length(100, 100, b"")[:46] + struct.pack("<II", 65_536, 0) + bytes(300_000)
    ),
    "header.bmp": lambda: b"BM" + bytes(12) + struct.pack("<I", 15_000_000) + bytes(15_000_000),
}
