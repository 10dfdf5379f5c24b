"""Decoding of every format, and of damaged files."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, features

from dlflask.digits.normalization import normalize, read_tensor
from dlflask.errors import BlankImage, DamagedImage, ImageError, TooManyPixels, UnsupportedImage
from dlflask.imaging.decode_limits import MAX_PIXELS
from dlflask.imaging.decoded_image import WORKING_SIDE
from dlflask.imaging.read_ink import read_ink
from tests.conftest import encode as to_bytes
from tests.drawing import STORED_AS
from tests.pen_strokes import difference, draw_digit, photograph

EXIF_ORIENTATION = 0x0112


def with_opacity(digit: Image.Image, colour: int, mode: str) -> Image.Image:
    """Make only the ink opaque, in one grey, as drawing programs save a stroke."""
    ink = Image.new("L", digit.size, colour)
    return Image.merge("LA", (ink, digit)).convert(mode)


def with_transparent_palette(digit: Image.Image, ink: int) -> Image.Image:
    """Make palette entry 0 transparent and entry 1 ink, both of the same colour."""
    picture = digit.point(lambda level: int(level > 127)).convert("P")
    picture.putpalette([ink] * 6)
    picture.info["transparency"] = 0
    return picture


LOSSLESS = {
    "png": to_bytes,
    "inverted": lambda digit: to_bytes(digit.point(lambda level: 255 - level)),
    "rgb": lambda digit: to_bytes(digit.convert("RGB")),
    "palette": lambda digit: to_bytes(digit.convert("P")),
    "16-bit": lambda digit: to_bytes(Image.fromarray(np.asarray(digit).astype(np.uint16) * 257)),
    "16-bit-tiff": lambda digit: to_bytes(
        Image.fromarray(np.asarray(digit).astype(np.uint16) * 257), "TIFF"
    ),
    "float-tiff": lambda digit: to_bytes(
        Image.fromarray(np.asarray(digit, np.float32) / 255), "TIFF"
    ),
    "cmyk-tiff": lambda digit: to_bytes(digit.convert("RGB").convert("CMYK"), "TIFF"),
    "gif": lambda digit: to_bytes(digit, "GIF"),
    "gif-of-two-frames": lambda digit: to_bytes(
        digit, "GIF", save_all=True, append_images=[Image.new("L", digit.size, 128)]
    ),
    "bmp": lambda digit: to_bytes(digit, "BMP"),
    "tiff-lzw": lambda digit: to_bytes(digit, "TIFF", compression="tiff_lzw"),
    "webp": lambda digit: to_bytes(digit.convert("RGB"), "WEBP", lossless=True),
    "black-ink-on-nothing": lambda digit: to_bytes(with_opacity(digit, 0, "RGBA")),
    "white-ink-on-nothing": lambda digit: to_bytes(with_opacity(digit, 255, "RGBA")),
    "grey-and-alpha": lambda digit: to_bytes(with_opacity(digit, 0, "LA")),
}


@pytest.mark.parametrize("save", LOSSLESS.values(), ids=LOSSLESS)
def test_read_ink_of_any_lossless_format_is_the_same(save, drawing):
    expected = np.asarray(drawing, np.float32) / 255

    ink = read_ink(save(drawing))

    assert ink.dtype == np.float32
    np.testing.assert_allclose(ink, expected, atol=1 / 255)


@pytest.mark.parametrize("colour", [0, 255], ids=["black", "white"])
def test_read_ink_of_a_transparent_palette_shows_the_digit(colour, drawing):
    ink = read_ink(to_bytes(with_transparent_palette(drawing, colour)))

    np.testing.assert_array_equal(ink > 0.5, np.asarray(drawing) > 127)


def test_read_ink_of_a_one_bit_image(drawing):
    ink = read_ink(to_bytes(drawing.convert("1", dither=Image.Dither.NONE)))

    np.testing.assert_array_equal(ink > 0.5, np.asarray(drawing) > 127)


LOSSY = {
    "jpeg-60": ("JPEG", {"quality": 60}),
    "jpeg-cmyk": ("JPEG", {"quality": 90}),
    "webp-80": ("WEBP", {"quality": 80}),
    "avif": ("AVIF", {}),
}


@pytest.mark.parametrize(("kind", "options"), LOSSY.values(), ids=LOSSY)
def test_read_tensor_of_a_lossy_copy_is_nearly_the_same(kind, options, drawing, request):
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow was built without AVIF")
    mode = "CMYK" if "cmyk" in request.node.callspec.id else "RGB"

    tensor = read_tensor(to_bytes(drawing.convert(mode), kind, **options))

    exact = read_tensor(to_bytes(drawing))
    assert difference(tensor, exact) < 0.04


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", STORED_AS)
def test_read_tensor_rotates_the_image_by_exif(orientation, kind):
    upright = draw_digit(4).convert("RGB")
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation

    turned = upright.transpose(STORED_AS[orientation])
    tensor = read_tensor(to_bytes(turned, kind, exif=exif))

    expected = read_tensor(to_bytes(upright))
    assert difference(tensor, expected) < 0.03


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_read_ink_reduces_a_large_image(kind):
    large = draw_digit(5, 1500).convert("RGB")

    ink = read_ink(to_bytes(large, kind))

    assert WORKING_SIDE / 2 < max(ink.shape) <= WORKING_SIDE
    small = read_tensor(to_bytes(draw_digit(5, 150)))
    assert difference(normalize(ink), small) < 0.04


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("orientation", [1, *STORED_AS])
def test_read_tensor_of_a_small_digit_uses_a_higher_resolution(kind, orientation):
    page = Image.new("L", (1600, 1200))
    page.paste(draw_digit(2, 100), (1100, 300))
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    stored = page.transpose(STORED_AS[orientation]) if orientation > 1 else page

    tensor = read_tensor(to_bytes(stored, kind, exif=exif))

    expected = read_tensor(to_bytes(draw_digit(2, 100)))
    assert difference(tensor, expected) < 0.03


def png_of_size(width: int, height: int) -> bytes:
    """Return a PNG that announces this size in its header and holds one pixel."""
    upload = to_bytes(Image.new("L", (1, 1)))
    header = b"IHDR" + struct.pack(">II", width, height) + upload[24:29]
    return upload[:12] + header + struct.pack(">I", zlib.crc32(header)) + upload[33:]


def test_read_ink_rejects_a_decompression_bomb_by_its_header():
    with pytest.raises(TooManyPixels, match="has 10000 megapixels; the limit is 64"):
        read_ink(png_of_size(100_000, 100_000))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_read_ink_accepts_the_largest_size():
    with pytest.raises(DamagedImage):
        read_ink(png_of_size(8_000, MAX_PIXELS // 8_000))


@pytest.mark.parametrize(
    "upload",
    [b"", b"\0" * 64, b"GIF", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7\n"],
    ids=["empty", "zeros", "short", "svg", "pdf"],
)
def test_read_ink_of_another_file_is_unsupported(upload):
    with pytest.raises(UnsupportedImage, match="PNG, JPEG, WEBP"):
        read_ink(upload)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_read_ink_of_a_truncated_image_is_damaged(kind, part, drawing):
    upload = to_bytes(photograph(drawing), kind)

    with pytest.raises((DamagedImage, UnsupportedImage)):
        read_ink(upload[: int(len(upload) * part)])


def test_read_ink_of_a_meaningless_header_names_no_object(drawing):
    with pytest.raises(DamagedImage, match=r"damaged \(its header is invalid\)"):
        read_ink(to_bytes(drawing)[:8] + bytes(100))


@given(st.binary(max_size=300))
def test_read_ink_of_any_bytes_raises_image_errors_only(upload):
    try:
        ink = read_ink(upload)
    except ImageError:
        return
    assert_is_ink(ink)


# Pillow warns of tags and frames that it skips in a damaged file, and of half the size that it
# rejects.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@settings(max_examples=150, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"]))
def test_read_ink_of_changed_bytes_raises_image_errors_only(data, kind):
    upload = bytearray(to_bytes(draw_digit(4, 40).convert("RGB"), kind))
    for place in data.draw(st.lists(st.integers(0, len(upload) - 1), min_size=1, max_size=8)):
        upload[place] = data.draw(st.integers(0, 255))

    try:
        ink = read_ink(bytes(upload))
        tensor = normalize(ink)
    except ImageError:
        return
    assert_is_ink(ink)
    assert tensor.shape == (28, 28)


def assert_is_ink(ink: NDArray[np.float32]) -> None:
    assert ink.ndim == 2
    assert ink.dtype == np.float32
    assert np.isfinite(ink).all()
    assert ink.min() >= 0
    assert ink.max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (28, 28), (300, 200)])
@pytest.mark.parametrize("colour", ["black", "white", "#808080", "#ffe0a0"])
def test_read_ink_of_an_even_image_is_blank(size, colour):
    with pytest.raises(BlankImage, match="shows no writing"):
        read_ink(to_bytes(Image.new("RGB", size, colour)))
