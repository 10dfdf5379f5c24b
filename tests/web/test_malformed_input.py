"""Damaged, truncated and contradictory input is read or raises an expected error."""

import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from dlflask.errors import DamagedImage, TooManyPixels
from dlflask.imaging.read_ink import read_ink
from tests.conftest import encode
from tests.drawing import draw_digit
from tests.fuzz.seeds import NUMBERS, PICTURES, REQUESTS
from tests.fuzz.targets import TARGETS, decode, post, read_number

# Pillow warns about damaged files; the service ignores the warnings.
pytestmark = pytest.mark.filterwarnings("ignore:::PIL")

FOUND = sorted((Path(__file__).parent.parent / "fuzz" / "found").iterdir())


@st.composite
def damaged(draw, originals):
    """Return one of `originals` with bytes changed, deleted or repeated, or joined to another."""
    content = bytearray(originals[draw(st.sampled_from(sorted(originals)))])
    for _ in range(draw(st.integers(1, 4))):
        start, length = draw(st.integers(0, len(content))), draw(st.integers(0, 40))
        span = slice(start, start + length)
        match draw(st.sampled_from(["change", "cut off", "cut out", "double", "insert", "join"])):
            case "change":
                content[span] = draw(st.binary(min_size=length, max_size=length))
            case "cut off":
                del content[start:]
            case "cut out":
                del content[span]
            case "double":
                content[start:start] = content[span] * draw(st.integers(1, 50))
            case "insert":
                number = draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 2**31, 2**32 - 1]))
                order = draw(st.sampled_from(["<", ">"]))
                content[start : start + 4] = struct.pack(order + "I", number)
            case "join":
                content += originals[draw(st.sampled_from(sorted(originals)))]
    return bytes(content)


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_input_found_by_fuzzing_is_handled(path):
    TARGETS[path.name.partition("-")[0]](path.read_bytes())


@pytest.mark.parametrize("name", PICTURES)
def test_every_seed_is_readable(name):
    read_ink(PICTURES[name])


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(damaged(PICTURES))
def test_damaged_image_is_read_or_raises_image_error(upload):
    decode(upload)


@pytest.mark.parametrize("name", NUMBERS)
def test_every_seed_of_a_number_has_lines(client, name):
    response = client.post("/predictnumber", data=NUMBERS[name], content_type="image/png")

    assert response.status_code == 200
    assert len(response.json["lines"]) == (3 if name == "number-lines" else 1)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(damaged(NUMBERS))
def test_damaged_number_is_read_or_raises_image_error(upload):
    read_number(upload)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(damaged(REQUESTS))
@example(b"POST /predictlabel\r\nContent-Type: a{b}{c.d}\r\n\r\nx")
def test_damaged_request_does_not_return_5xx(request):
    post(request)


def chunk(kind, content):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def insert_before_pixels(png, chunks):
    return png[:33] + chunks + png[33:]


_PNG, _JPEG = encode(draw_digit(4)), encode(draw_digit(4), "JPEG")
_SCANS = encode(draw_digit(4, 2000), "JPEG", progressive=True)
_LAST_SCAN = _SCANS[_SCANS.rindex(b"\xff\xda") : -2]

#: Images of many small parts, which are cheap to send and take seconds to read.
MANY_PIECES = {
    "png-chunks": insert_before_pixels(_PNG, chunk(b"tEXt", b"") * 100_000),
    "jpeg-comments": _JPEG[:2] + b"\xff\xfe\0\2" * 100_000 + _JPEG[2:],
    "jpeg-fill-bytes": _JPEG[:2] + b"\xff" * 100_000 + _JPEG[2:],
    "gif-comments": encode(draw_digit(4), "GIF").replace(
        b"\x2c", b"\x21\xfe\1a\0" * 50_000 + b"\x2c", 1
    ),
    "jpeg-scans": _SCANS[:-2] + _LAST_SCAN * 300 + b"\xff\xd9",
}


@pytest.mark.parametrize("name", MANY_PIECES)
def test_image_of_too_many_parts_raises(name):
    with pytest.raises(DamagedImage, match=r"the limit of 50,000|scans"):
        read_ink(MANY_PIECES[name])


def tiff_with_tiles(side):
    """Return a TIFF of 64 x 64 pixels with one tile of `side` x `side`."""
    entries = [(256, 64), (257, 64), (258, 8), (259, 8), (262, 1), (277, 1)]
    entries += [(322, side), (323, side), (324, 134), (325, 9)]
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    header = b"II*\0" + struct.pack("<IH", 8, len(entries))
    return header + directory + bytes(4) + zlib.compress(b"")


def gif_with_frame(side):
    """Return a GIF with a screen of 1 x 1 and a larger frame, which is to be restored."""
    extension = b"\x21\xf9\4" + b"\x08\0\0\0" + b"\0"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, side, side, 0)
    return b"GIF89a\1\0\1\0\x80\0\0" + bytes(6) + extension + frame + b"\2\2\x44\1\0\x3b"


@pytest.mark.parametrize("make", [tiff_with_tiles, gif_with_frame])
def test_image_with_oversized_part_raises(make):
    with pytest.raises(TooManyPixels, match="megapixels; the limit is"):
        read_ink(make(40_000))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "options", "megapixels"),
    [
        ("WEBP", {}, 16),
        ("JPEG", {"progressive": True}, 26),
        ("TIFF", {}, 21),
    ],
)
def test_expensive_format_has_lower_limit(kind, options, megapixels):
    upload = encode(Image.new("RGB", (6_000, 5_000)), kind, **options)

    with pytest.raises(TooManyPixels, match=f"6000 x 5000 .* limit is {megapixels} for this kind"):
        read_ink(upload)


def test_read_ink_in_strips_equals_whole_image(monkeypatch):
    transparent = draw_digit(4, 700).convert("RGBA")
    transparent.putalpha(transparent.convert("L").point(lambda level: 255 - level))
    panorama = draw_digit(4, 700).crop((-1_000, 0, 6_000, 700)).convert("LA")
    uploads = [
        encode(panorama),
        encode(draw_digit(4, 700)),
        encode(transparent),
        encode(draw_digit(4, 700).convert("I;16")),
    ]
    whole = [read_ink(upload) for upload in uploads]

    monkeypatch.setattr("dlflask.imaging.color_modes.STRIP_PIXELS", 5_000)

    for upload, expected in zip(uploads, whole, strict=True):
        assert (read_ink(upload) == expected).all()
