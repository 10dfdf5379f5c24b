"""The size of the images coded in an AVIF file."""

from __future__ import annotations

import struct
import threading
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from dlflask.errors import DamagedImage
from dlflask.imaging.cost import large_images
from dlflask.imaging.cost.av1_frames import coded_pixels, frame_sizes
from dlflask.imaging.decode_limits import MAX_FRAME_PADDING
from dlflask.imaging.read_ink import read_ink
from tests.conftest import encode
from tests.costly.avif import lying, with_items
from tests.drawing import draw_digit
from tests.serving import ROOT

pytestmark = pytest.mark.skipif(
    not features.check("avif"), reason="this Pillow was built without AVIF"
)

SIZES = [(1, 1), (28, 28), (63, 65), (1_025, 257)]


def drawn(size, mode="RGB"):
    image = draw_digit(4).convert("RGB").resize(size).convert(mode)
    if mode in ("RGBA", "LA"):
        image.putalpha(image.convert("L"))
    return image


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA"])
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4", "4:0:0"])
def test_frame_sizes_are_those_of_the_image(size, mode, subsampling):
    upload = encode(drawn(size, mode), "AVIF", speed=10, subsampling=subsampling)

    sizes = frame_sizes(upload)

    assert set(sizes) == {size}
    assert len(sizes) == (2 if mode in ("RGBA", "LA") else 1)
    assert coded_pixels(upload, size) == len(sizes) * size[0] * size[1]


def test_frame_sizes_pass_over_other_items():
    exif = Image.Exif()
    exif[0x0112] = 6
    upload = encode(drawn((90, 60)), "AVIF", exif=exif, xmp=b"<x:xmpmeta/>", icc_profile=b"p" * 99)

    assert frame_sizes(upload) == [(90, 60)]


def test_frame_sizes_of_an_understated_image_are_the_real_ones():
    upload = (ROOT / "tests" / "model" / "understated.avif").read_bytes()

    assert frame_sizes(upload) == [(16_384, 16_384)]


FOUR = encode(draw_digit(4), "AVIF")
DATA = FOUR.index(b"mdat") + 4
SEQUENCE = FOUR.index(b"\x0a", DATA)

UNKNOWN = {
    "animation": encode(draw_digit(4), "AVIF", save_all=True, append_images=[draw_digit(8)]),
    "full-header": FOUR[: SEQUENCE + 2] + b"\0" + FOUR[SEQUENCE + 3 :],
    "no-sequence-header": FOUR[:SEQUENCE] + b"\x12" + FOUR[SEQUENCE + 1 :],
    "second-sequence-header": FOUR[:DATA] + b"\x0a\0" + FOUR[DATA + 2 :],
    "no-obu-size": FOUR[:DATA] + b"\x10\0" + FOUR[DATA + 2 :],
    "items-out-of-the-file": FOUR[:DATA] + b"\x12\xff" + FOUR[DATA + 2 :],
    "grid": FOUR.replace(b"av01Color", b"gridColor"),
    "second-meta": FOUR + struct.pack(">I4sI", 12, b"meta", 0),
    "no-meta": FOUR.replace(b"meta", b"free"),
    "no-items": FOUR.replace(b"iinf", b"free"),
    "items-of-version-1": FOUR.replace(b"infe\2", b"infe\1"),
    "box-too-long": FOUR.replace(b"\0\0\0\x0epitm", b"\0\0\xff\x0epitm"),
    "two-extents": FOUR.replace(b"\0\1\0\0\0\1\0\0\1\x13", b"\0\1\0\0\0\2\0\0\1\x13"),
    "heic": FOUR.replace(b"av01", b"hvc1"),
    "nothing": b"",
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_frame_sizes_are_unknown(name):
    with pytest.raises((ValueError, LookupError, struct.error)):
        frame_sizes(UNKNOWN[name])

    assert coded_pixels(UNKNOWN[name], (1, 1)) is None


def test_frame_sizes_of_any_part_of_a_file_are_the_same_or_unknown():
    for upload in (FOUR, encode(drawn((90, 60), "RGBA"), "AVIF")):
        expected = frame_sizes(upload)
        for end in range(len(upload)):
            try:
                assert frame_sizes(upload[:end]) == expected
            except (ValueError, LookupError, struct.error):
                continue


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_coded_pixels_of_changed_bytes_raises_value_errors_only(data):
    changed = bytearray(FOUR)
    for place in data.draw(st.lists(st.integers(0, 320), min_size=1, max_size=8)):
        changed[place] = data.draw(st.integers(0, 255))

    with suppress(ValueError):
        coded_pixels(bytes(changed), (200, 200))


def test_coded_pixels_permits_padding_to_whole_blocks():
    upload = encode(drawn((1_920, 1_088)), "AVIF", speed=10)

    assert coded_pixels(upload, (1_920, 1_080)) == 1_920 * 1_088
    with pytest.raises(
        ValueError, match="says 1920 x 1000 pixels, but its coded image has 1920 x 108"
    ):
        coded_pixels(upload, (1_920, 1_000))
    assert MAX_FRAME_PADDING < 88


@pytest.mark.slow
def test_read_ink_rejects_an_understated_size_without_a_slot():
    with (
        large_images.decode_slot(),
        pytest.raises(
            DamagedImage, match="says 100 x 100 pixels, but its coded image has 5000 x 50"
        ),
    ):
        read_ink(lying())


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_read_ink_of_a_small_avif_needs_no_slot(mode):
    upload = encode(drawn((400, 300), mode), "AVIF")

    with large_images.decode_slot():
        reading = threading.Thread(target=read_ink, args=[upload], daemon=True)
        reading.start()
        reading.join(30)

    assert not reading.is_alive()


@pytest.mark.parametrize("name", ["large", "animation", "many-items"])
def test_read_ink_of_a_large_or_unknown_avif_takes_a_slot(name):
    uploads = {
        "large": encode(drawn((2_400, 1_600)), "AVIF", speed=10),
        "animation": UNKNOWN["animation"],
        "many-items": with_items(3).replace(b"skip", b"grid"),
    }

    with large_images.decode_slot():
        assert large_images._places.acquire(blocking=False)
        try:
            with pytest.raises(Exception, match="Send this image again"):
                read_ink(uploads[name])
        finally:
            large_images._places.release()
