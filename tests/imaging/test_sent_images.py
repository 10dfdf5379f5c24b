"""Images as cameras, clipboards, scanners and broken uploads make them."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image, ImageFilter

from dlflask.digits.normalization import read_tensor
from dlflask.errors import BlankImage, DamagedImage, UnsupportedImage
from dlflask.imaging.read_ink import read_ink
from tests.conftest import encode
from tests.drawing import draw_digit
from tests.pen_strokes import difference, photograph
from tests.pen_strokes import draw_digit as draw_ink
from tests.serving import ROOT

FOUR = draw_digit(4, 220)
EXPECTED = read_tensor(encode(FOUR))
GREY = np.asarray(FOUR.convert("L"))

CASES = sorted(path for path in (ROOT / "tests" / "cases").iterdir() if path.suffix != ".md")


def assert_four(upload, most=0.04):
    assert difference(read_tensor(upload), EXPECTED) < most


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name)
def test_read_tensor_of_a_case_has_one_digit_in_the_middle(path):
    tensor = read_tensor(path.read_bytes())

    ink = np.argwhere(tensor > 0.3)
    assert 19 <= max(np.ptp(ink, axis=0)) + 1 <= 21
    assert 0.05 < (tensor > 0.5).mean() < 0.3


def bmp(pixels, *, header=124, order="BGRA", compression=3):
    """Return a 32-bit BMP of RGBA pixels, as clipboards and graphics libraries write it."""
    height, width = pixels.shape[:2]
    stored = pixels[::-1, :, ["RGBA".index(one) for one in order]].tobytes()
    masks = [0xFF << 8 * order.index(one) for one in "RGBA"]
    fields = struct.pack("<IiiHHIIiiII", header, width, height, 1, 32, compression, 0, 0, 0, 0, 0)
    info = (fields + struct.pack("<4I", *masks)).ljust(header, b"\0")[:header]
    behind = struct.pack("<3I", *masks[:3]) if header == 40 and compression == 3 else b""
    start = 14 + header + len(behind)
    file_header = b"BM" + struct.pack("<IHHI", start + len(stored), 0, 0, start)
    return file_header + info + behind + stored


@pytest.mark.parametrize("opacity", [0, 255], ids=["no-opacity", "opaque"])
@pytest.mark.parametrize(
    ("header", "order"),
    [(40, "BGRA"), (56, "BGRA"), (56, "RGBA"), (108, "BGRA"), (124, "BGRA"), (124, "RGBA")],
)
def test_read_tensor_of_bmp_with_any_opacity_is_opaque(header, order, opacity):
    pixels = np.asarray(FOUR.convert("RGBA")).copy()
    pixels[..., 3] = opacity

    assert_four(bmp(pixels, header=header, order=order), 0.001)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_read_tensor_without_any_opacity_is_opaque(kind):
    image = FOUR.convert("RGBA")
    image.putalpha(0)
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}

    assert_four(encode(image, kind, **options), 0.001)


def test_read_ink_of_nothing_at_all_is_blank():
    with pytest.raises(BlankImage):
        read_ink(encode(Image.new("RGBA", (60, 60))))


JPEGS = {
    "photo": photograph(draw_ink(4, 220)),
    "large": photograph(draw_ink(4, 1_500)),
    "grey": FOUR.convert("L"),
    "drawn": FOUR,
    "cmyk": FOUR.convert("CMYK"),
}
OPTIONS = [{}, {"progressive": True}, {"restart_marker_rows": 1}, {"subsampling": 0}]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options) or "plain")
@pytest.mark.parametrize("name", JPEGS)
def test_read_tensor_of_jpeg_with_a_missing_end(name, options):
    if name == "cmyk" and "progressive" in options:
        pytest.skip("its last scans are of a few bytes each")
    upload = encode(JPEGS[name], "JPEG", **options)
    whole = read_tensor(upload)

    for missing in (1, 2, 3, len(upload) // 100):
        assert difference(read_tensor(upload[:-missing]), whole) < 0.03


@pytest.mark.parametrize("side", [12, 28, 40])
def test_read_tensor_of_a_small_jpeg_without_end_marker(side):
    upload = encode(draw_digit(4, side, pen=12), "JPEG")

    np.testing.assert_array_equal(read_tensor(upload[:-2]), read_tensor(upload))


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options) or "plain")
@pytest.mark.parametrize("name", JPEGS)
@pytest.mark.parametrize("part", [0.5, 0.7])
def test_read_tensor_of_jpeg_without_more_than_a_tenth_is_damaged(name, options, part):
    upload = encode(JPEGS[name], "JPEG", **options)

    with pytest.raises(DamagedImage, match="more than a tenth of it is missing"):
        read_tensor(upload[: int(len(upload) * part)])


def test_read_tensor_of_jpeg_padded_with_zeros_in_place_of_its_end():
    upload = encode(JPEGS["photo"], "JPEG")

    np.testing.assert_array_equal(read_tensor(upload[:-2] + bytes(900)), read_tensor(upload))


@pytest.mark.parametrize(
    "leading",
    [b"\n", b"\r\n", b"\r\n\r\n", b"\xef\xbb\xbf", b"\xff\xfe", bytes(16), b"ab: c\r\n\r\n"],
    ids=lambda leading: leading.hex(),
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF"])
def test_read_tensor_behind_other_bytes(kind, leading):
    upload = encode(FOUR, kind)

    np.testing.assert_array_equal(read_tensor(leading + upload), read_tensor(upload))


def test_read_tensor_of_heic_behind_other_bytes():
    upload = (ROOT / "tests" / "imaging" / "heic" / "four.heic").read_bytes()

    np.testing.assert_array_equal(read_tensor(b"\n" + upload), read_tensor(upload))


def test_read_tensor_behind_17_bytes_is_unsupported():
    with pytest.raises(UnsupportedImage):
        read_tensor(bytes(17) + encode(FOUR))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(
    ("low", "high"),
    [(0, 4_095), (1_164, 2_924), (31_068, 31_510), (60_000, 65_535), (0, 200), (65_000, 65_100)],
)
def test_read_tensor_of_16_bits_in_part_of_the_range(low, high, kind):
    values = np.round(low + GREY / 255 * (high - low)).astype(np.uint16)

    assert_four(encode(Image.fromarray(values), kind), 0.02)


def test_read_tensor_of_16_bits_with_broken_pixels():
    values = np.round(2_000 + GREY / 255 * 1_000).astype(np.uint16)
    values[5, [7, 90, 200]] = 65_535, 0, 65_535

    assert_four(encode(Image.fromarray(values), "TIFF"), 0.02)


@pytest.mark.parametrize(
    ("low", "high"), [(-1, 1), (-1_000, 400), (0.2, 0.21), (1e6, 1.01e6)], ids=str
)
def test_read_tensor_of_floats_in_any_range(low, high):
    values = (low + GREY / 255 * (high - low)).astype(np.float32)

    assert_four(encode(Image.fromarray(values), "TIFF"), 0.02)


@pytest.mark.parametrize("outlier", [3.4e38, -3.4e38, 1e-44])
def test_read_tensor_of_floats_with_extreme_pixels(outlier):
    values = (GREY / 255 * 0.01 - 0.005).astype(np.float32)
    values[5, [7, 90, 200]] = outlier

    assert_four(encode(Image.fromarray(values), "TIFF"), 0.02)


@pytest.mark.parametrize("noise", [0, 1, 3, 10, 30])
def test_read_ink_of_16_bits_of_paper_is_blank(noise):
    grain = np.random.default_rng(0).normal(31_000, noise, (220, 220))

    with pytest.raises(BlankImage):
        read_ink(encode(Image.fromarray(grain.astype(np.uint16)), "TIFF"))


def on_nothing(note, turn=0, border=40):
    """Return a note, turned by so many degrees, on transparent ground."""
    width, height = note.size
    around = Image.new("RGBA", (width + 2 * border, height + 2 * border))
    around.paste(note, (border, border))
    return around.rotate(turn, resample=Image.Resampling.BICUBIC)


@pytest.mark.parametrize("turn", [0, 4, -9])
@pytest.mark.parametrize(
    ("paper", "ink"),
    [("white", "black"), ("#ffef90", "#202080"), ("#205038", "white"), ("black", "white")],
)
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_read_tensor_of_a_note_on_nothing_shows_its_digit(paper, ink, turn, kind):
    mask = Image.fromarray(255 - GREY)
    note = Image.new("RGB", FOUR.size, paper)
    note.paste(Image.new("RGB", FOUR.size, ink), mask=mask)

    expected = read_tensor(encode(FOUR.rotate(turn, fillcolor="white")))
    tensor = read_tensor(encode(on_nothing(note, turn), kind))

    assert difference(tensor, expected) < 0.06


def test_read_tensor_of_a_photographed_note_with_a_shadow():
    note = on_nothing(photograph(draw_ink(4, 220)).convert("RGBA"), 5)
    shadow = Image.new("RGBA", note.size)
    shadow.putalpha(
        note.getchannel("A").filter(ImageFilter.GaussianBlur(9)).point(lambda a: a // 2)
    )

    tensor = read_tensor(encode(Image.alpha_composite(shadow, note)))

    expected = read_tensor(encode(draw_ink(4, 220).rotate(5)))
    assert difference(tensor, expected) < 0.08


@pytest.mark.parametrize("colour", ["black", "white", "red", "#808080"])
@pytest.mark.parametrize("pen", [6, 30])
def test_read_tensor_of_strokes_on_nothing_shows_them(colour, pen):
    drawn = draw_digit(4, 220, pen=pen)
    strokes = Image.new("RGBA", drawn.size, colour)
    strokes.putalpha(drawn.convert("L").point(lambda level: 255 - level))

    assert difference(read_tensor(encode(strokes)), read_tensor(encode(drawn))) < 0.03


@pytest.mark.parametrize("size", [(2_400, 160), (2_400, 120), (160, 2_400), (1_200, 60)])
@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_read_tensor_of_a_small_digit_in_a_strip(size, place):
    side = min(size) // 2
    strip = Image.new("L", size, 245)
    left, top = (int((length - side) * (place if length > 500 else 0.5)) for length in size)
    strip.paste(draw_digit(4, side).convert("L").point(lambda level: min(level, 245)), (left, top))

    assert difference(read_tensor(encode(strip)), read_tensor(encode(draw_digit(4, side)))) < 0.06
