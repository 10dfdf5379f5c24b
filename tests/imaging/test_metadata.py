"""Removal of metadata that decoding does not need."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from dlflask.errors import DamagedImage
from dlflask.imaging.metadata import strip_metadata
from dlflask.imaging.read_ink import read_ink
from tests.conftest import encode
from tests.costly.jpeg import segment, with_segments
from tests.costly.png import chunk, with_chunks
from tests.costly.tiff import strips, tiff
from tests.drawing import draw_digit
from tests.unusual_images import UNUSUAL_IMAGES, unusual_image

# Pillow warns of tags that it skips in a damaged file; the service ignores that.
pytestmark = pytest.mark.filterwarnings("ignore:::PIL")

UPRIGHT = draw_digit(4)
STORED = UPRIGHT.rotate(90)
EXIF = Image.Exif()
EXIF[0x0112] = 6
XMP = b'<rdf:Description tiff:Orientation="6"/>'
HEXADECIMAL = b"\nexif\n      26\n" + EXIF.tobytes().hex().encode()

PNG, JPEG = encode(STORED), encode(STORED, "JPEG", quality=95)
FRAMES = {"save_all": True, "append_images": [draw_digit(0)], "comment": b"c" * 900}

ROTATED = {
    "png-exif": encode(STORED, exif=EXIF),
    "png-exif-behind": PNG[:-12] + chunk(b"eXIf", EXIF.tobytes()[6:]) + PNG[-12:],
    "png-xmp": with_chunks(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP), PNG),
    "png-text": with_chunks(chunk(b"tEXt", b"Raw profile type exif\0" + HEXADECIMAL), PNG),
    "jpeg-exif": encode(STORED, "JPEG", exif=EXIF, icc_profile=b"profile" * 20_000),
    "jpeg-xmp": with_segments(
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP) + segment(0xFE, b"c"), JPEG
    ),
    "webp-exif": encode(STORED, "WEBP", lossless=True, exif=EXIF, icc_profile=b"profile" * 900),
    "webp-xmp": encode(STORED, "WEBP", lossless=True, xmp=XMP),
    "tiff-tag": encode(STORED, "TIFF", exif=EXIF, compression="tiff_lzw"),
    "tiff-xmp": encode(STORED, "TIFF", tiffinfo={700: XMP}),
    "tiff-big": encode(STORED, "TIFF", exif=EXIF, big_tiff=True),
    "avif": encode(STORED, "AVIF", exif=EXIF, quality=95),
}


@pytest.mark.parametrize("name", ROTATED)
def test_strip_metadata_keeps_the_orientation(name):
    stripped = read_ink(strip_metadata(ROTATED[name]))

    np.testing.assert_allclose(stripped, read_ink(encode(UPRIGHT)), atol=0.3)


@pytest.mark.parametrize("name", UNUSUAL_IMAGES)
def test_strip_metadata_keeps_the_pixels(name):
    upload = unusual_image(name)

    with Image.open(BytesIO(upload)) as whole:
        expected = np.asarray(whole)
    with Image.open(BytesIO(strip_metadata(upload))) as stripped:
        np.testing.assert_array_equal(np.asarray(stripped), expected)


LEFT_OUT = {
    "png-texts": with_chunks(chunk(b"zTXt", b"key\0\0") * 9, PNG),
    "png-second-exif": with_chunks(chunk(b"eXIf", EXIF.tobytes()[6:]) * 2, PNG),
    "png-animation": encode(STORED, save_all=True, append_images=[UPRIGHT]),
    "jpeg-profile": encode(STORED, "JPEG", icc_profile=b"profile" * 20_000),
    "jpeg-second-exif": with_segments(segment(0xE1, b"Exif\0\0" + bytes(90)) * 2, JPEG),
    "gif-comment": encode(STORED, "GIF", **FRAMES),
    "webp-profile": encode(STORED, "WEBP", icc_profile=b"profile" * 900),
    "webp-frames": encode(STORED, "WEBP", save_all=True, append_images=[UPRIGHT]),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_strip_metadata_makes_a_file_shorter(name):
    assert len(strip_metadata(LEFT_OUT[name])) < len(LEFT_OUT[name])


def test_strip_metadata_returns_a_file_without_metadata_itself():
    assert strip_metadata(PNG) is PNG


@pytest.mark.parametrize("name", ROTATED | LEFT_OUT)
def test_strip_metadata_accepts_a_truncated_file(name):
    upload = (ROTATED | LEFT_OUT)[name]

    for end in (*range(4, 120), *range(120, len(upload), 997)):
        strip_metadata(upload[:end])


def test_strip_metadata_keeps_one_tiff_directory_of_needed_tags():
    upload = encode(
        draw_digit(4), "TIFF", save_all=True, append_images=[draw_digit(0)], compression="tiff_lzw"
    )

    with Image.open(BytesIO(strip_metadata(upload))) as stripped:
        assert 282 not in stripped.tag_v2, "the resolution"
        assert stripped.n_frames == 1


@pytest.mark.parametrize(
    ("upload", "match"),
    [
        (tiff(64, 64, {273: (1, b"\1" * 100_000)}), "tag 273 has 100,000 values"),
        (tiff(64, 64, {273: (1, b"\1" * 100_000)}, big=True), "tag 273 has 100,000 values"),
        (tiff(64, 64, {258: (3, [8] * 9_000)}), "tag 258 has 9,000 values"),
        (tiff(64, 90_000, {273: (4, [8]), 278: (3, [1])}), "has 90,000 strips"),
        (tiff(64, 64, {2_000 + n: (3, [1]) for n in range(5_000)}), "5,005 entries"),
        (strips(8, bytes(2_000), 90, shared=True), "strips have 180,000 bytes in total"),
        (tiff(64, 64, {259: (3, [8]), 273: (4, [8] * 64), 278: (3, [1])}), "lengths of its strips"),
        (b"MM\0+" + bytes(60), "big-endian BigTIFF"),
        (with_chunks(chunk(b"PLTE", bytes(900))), "PLTE chunk has 900 bytes"),
        (
            with_segments(segment(0xDB, bytes(65_000)) * 16, ROTATED["jpeg-exif"]),
            "header has more bytes than the limit of 1,000,000",
        ),
        (
            struct.pack(">I4s", 16, b"ftyp")
            + b"avif"
            + bytes(4)
            + struct.pack(">I", 999_999)
            + b"meta",
            "meta box",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_read_ink_rejects_a_file_of_too_many_parts(upload, match):
    with pytest.raises(DamagedImage, match=match):
        read_ink(upload)
