"""Decoding without Pillow's parsers gives the same pixels as with them."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dlflask.errors import DlflaskError
from dlflask.imaging.cost.limited_file import CpuTimeLimit
from dlflask.imaging.decode import decode, decode_by_pillow
from dlflask.imaging.decoded_image import WHOLE, WORKING_SIDE
from dlflask.imaging.fast_decode import MAX_PIECES, decode_fast
from tests.conftest import encode
from tests.pen_strokes import draw_digit

# Pillow warns of tags that it skips in a damaged file; the service ignores that.
pytestmark = pytest.mark.filterwarnings("ignore:::PIL")

DIGIT = draw_digit(4)
SIZES = [(28, 28), (120, 90), (256, 256), (257, 40), (400, 400), (600, 1000), (1000, 3), (1, 1)]


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    """Return a chunk of a PNG."""
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def with_chunk(png: bytes, added: bytes) -> bytes:
    """Return `png` with a chunk behind its first."""
    return png[:33] + added + png[33:]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_decode_fast_gives_the_pixels_of_pillows_parser(kind, mode, size):
    if kind == "JPEG" and mode == "RGBA":
        mode = "YCbCr"
    coloured = Image.merge("RGB", (DIGIT, DIGIT.rotate(90), DIGIT.rotate(180)))
    if mode == "RGBA":
        coloured.putalpha(DIGIT)
    upload = encode(coloured.convert(mode).resize(size), kind)

    assert decode_fast(upload, WORKING_SIDE) is not None
    with (
        decode(upload, CpuTimeLimit()) as fast,
        decode_by_pillow(upload, CpuTimeLimit(), WHOLE) as slow,
    ):
        np.testing.assert_array_equal(fast.cut(), slow.cut())
        assert fast.longer_side == slow.longer_side
        assert fast.is_full_scale == slow.is_full_scale


def test_decode_fast_skips_chunks_that_change_no_pixel():
    upload = with_chunk(encode(DIGIT, dpi=(72, 72)), chunk(b"gAMA", struct.pack(">I", 45_455)))

    assert decode_fast(upload, WORKING_SIDE) is not None


EXIF = Image.Exif()
EXIF[0x0112] = 6
PNG, JPEG = encode(DIGIT), encode(DIGIT, "JPEG")
OTHER_FILES = {
    "png-16-bit": encode(Image.fromarray(np.asarray(DIGIT).astype(np.uint16) * 257)),
    "png-palette": encode(DIGIT.convert("P")),
    "png-1-bit": encode(DIGIT.convert("1")),
    "png-transparent-colour": encode(DIGIT, transparency=0),
    "png-exif": encode(DIGIT, exif=EXIF),
    "png-animated": encode(DIGIT, save_all=True, append_images=[draw_digit(7)]),
    "png-cut-off": PNG[:200],
    "png-without-pixels": PNG[:33] + chunk(b"IEND"),
    "png-with-wrong-sum": PNG[:29] + b"0000" + PNG[33:],
    "png-with-wrong-sum-further-on": with_chunk(PNG, chunk(b"gAMA", b"1234")[:-1] + b"?"),
    "png-of-too-many-chunks": with_chunk(PNG, chunk(b"gAMA", b"1234") * MAX_PIECES),
    "png-large": encode(Image.new("L", (1025, 1024))),
    "jpeg-large": encode(Image.new("L", (1025, 1024)), "JPEG"),
    "jpeg-exif": encode(DIGIT, "JPEG", exif=EXIF),
    "jpeg-cmyk": encode(DIGIT.convert("CMYK"), "JPEG"),
    "jpeg-progressive": encode(DIGIT, "JPEG", progressive=True),
    "jpeg-cut-off": JPEG[:-100],
    "jpeg-of-two-scans": JPEG + b"\xff\xda",
    "jpeg-of-too-many-segments": JPEG[:2] + b"\xff\xfe\0\2" * MAX_PIECES + JPEG[2:],
    "jpeg-without-frame": JPEG.replace(b"\xff\xc0", b"\xff\xfe"),
    "gif": encode(DIGIT, "GIF"),
    "nothing": b"",
}


@pytest.mark.parametrize("upload", OTHER_FILES.values(), ids=OTHER_FILES)
def test_decode_fast_leaves_other_files_to_pillow(upload):
    assert decode_fast(upload, WORKING_SIDE) is None


@settings(max_examples=300, deadline=None)
@given(
    upload=st.sampled_from([PNG, JPEG, encode(DIGIT.convert("RGB"), "JPEG")]),
    place=st.integers(0, 700),
    byte=st.integers(0, 255),
)
def test_decode_fast_of_a_changed_byte_gives_the_pixels_of_pillow(upload, place, byte):
    changed = upload[:place] + bytes([byte]) + upload[place + 1 :]
    if decode_fast(changed, WORKING_SIDE) is None:
        return

    with decode(changed, CpuTimeLimit()) as image:
        pixels = image.cut()

    try:
        by_pillow = decode_by_pillow(changed, CpuTimeLimit(), WHOLE)
    except (DlflaskError, SyntaxError, OSError):
        return  # Pillow's parser rejects more than its decoder.
    with by_pillow:
        np.testing.assert_array_equal(pixels, by_pillow.cut())
