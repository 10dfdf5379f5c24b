"""The prefix codes of a lossless WebP are counted without decoding it."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageOps

from dlflask.digits.segmentation import locate_digit
from dlflask.errors import TooComplex
from dlflask.imaging.cost import vp8l_layout
from dlflask.imaging.cost.prefix_codes import Bits, read_code
from dlflask.imaging.cost.vp8l_layout import Layout, read_layout
from dlflask.imaging.cost.webp_tables import estimate_tables
from dlflask.imaging.decode_limits import MAX_WEBP_SKIPPED_PIXELS
from dlflask.imaging.metadata.webp import image_chunks, size_of_lossless
from dlflask.imaging.read_ink import read_ink
from tests.conftest import encode
from tests.costly.webp import Bits as BitWriter
from tests.costly.webp import chunk, extended, many_groups, riff
from tests.drawing import draw_digit

#: Most blocks: libwebp's encoder enlarges them until their number is at most this.
MAX_BLOCKS_OF_LIBWEBP = 2_600


def screenshot(size):
    """Windows with text on an even background, and a written 4."""
    generator = np.random.default_rng(0)
    image = Image.new("RGB", size, "#f0f0f5")
    draw = ImageDraw.Draw(image)
    for _ in range(30):
        x, y, colour = (int(generator.integers(0, most)) for most in (*size, 1 << 24))
        draw.rectangle((x, y, x + 90, y + 30), fill=f"#{colour:06x}")
        draw.text((x, y + 32), "a line of text in a window", fill="#333333")
    return with_four(image)


def photo(size):
    """Soft colours with the grain of a sensor, and a written 4."""
    generator = np.random.default_rng(0)
    coarse = generator.integers(170, 230, (size[1] // 40 + 1, size[0] // 40 + 1, 3), np.uint8)
    soft = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC), int)
    grain = generator.integers(-5, 6, (size[1], size[0], 1))
    return with_four(Image.fromarray((soft + grain).clip(0, 255).astype(np.uint8)))


def with_four(image):
    side = min(image.size) // 2
    four = ImageOps.invert(draw_digit(4, side).convert("L"))
    image.paste("#101040", (side // 2, side // 2), four)
    return image


def clear(image):
    image = image.convert("RGBA")
    image.putalpha(image.convert("L").point(lambda level: 255 - level))
    return image


@pytest.mark.slow
@pytest.mark.parametrize("make", [screenshot, photo])
@pytest.mark.parametrize(
    ("size", "method"), [((1_920, 1_080), 4), ((1_920, 1_080), 0), ((3_840, 2_160), 0)], ids=str
)
def test_read_ink_of_a_lossless_webp_is_that_of_a_png(make, size, method):
    image = make(size)
    upload = encode(image, "WEBP", lossless=True, method=method, quality=50)

    ink = read_ink(upload, locate_digit)

    np.testing.assert_array_equal(ink, read_ink(encode(image, compress_level=1), locate_digit))


@pytest.mark.slow
def test_read_ink_of_a_webp_with_lossless_opacity():
    image = draw_digit(4, 1_500).convert("RGB")
    grain = np.random.default_rng(0).integers(0, 9, (1_500, 1_500), np.uint8)
    image.putalpha(Image.fromarray(255 - np.asarray(image.convert("L")) // 9 * 8 - grain))
    upload = encode(image, "WEBP", quality=80, method=0)

    assert {kind for kind, _ in image_chunks(upload)} == {b"ALPH", b"VP8 "}
    assert read_ink(upload, locate_digit).max() > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", ["groups", "cached", "in-a-frame"])
def test_read_ink_of_a_code_for_each_block_is_too_complex(name):
    bomb = many_groups(1_024, 2, 65_536, cached=11 if name == "cached" else 0)
    uploads = {
        "in-a-frame": extended(
            1_024,
            1_024,
            b"ANIM\6\0\0\0" + bytes(6),
            frame(bomb[12:], 1_024),
            flags=2,
        ),
    }

    with pytest.raises(TooComplex, match="lossless WebP of 1024 x 1024 pixels"):
        read_ink(uploads.get(name, bomb))


def frame(image, side):
    """A frame of an animation."""
    content = bytes(6) + (side - 1).to_bytes(3, "little") * 2 + bytes(4) + image
    return b"ANMF" + len(content).to_bytes(4, "little") + content


PICTURES = {
    "digit": draw_digit(4, 60).convert("RGB"),
    "few-colours": draw_digit(4, 60).convert("1", dither=Image.Dither.NONE).convert("RGB"),
    "sixteen-colours": photo((90, 60)).quantize(16).convert("RGB"),
    "palette": photo((90, 60)).quantize(200).convert("RGB"),
    "photo": photo((120, 90)),
    "screenshot": screenshot((300, 200)),
    "opacity": clear(photo((120, 90))),
    "odd": photo((81, 83)),
}


LOSSLESS = {name: encode(image, "WEBP", lossless=True) for name, image in PICTURES.items()}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("method", [0, 4, 6])
def test_read_layout_followed_by_the_pixels_ends_with_the_data(name, method):
    """Read over all pixels, which is possible for images of one group."""
    upload = encode(PICTURES[name], "WEBP", lossless=True, method=method, quality=20, exact=True)
    ((_, data),) = image_chunks(upload)
    width, height = size_of_lossless(data)
    bits = Bits(data, 5)

    layout = vp8l_layout._layout(bits, width, height)

    assert read_layout(data, width, height, 5) == layout
    if layout.blocks > 1:
        assert layout.blocks <= MAX_BLOCKS_OF_LIBWEBP
        return
    for packed in (width, -(-width // 2), -(-width // 4), -(-width // 8)):
        reader = Bits(data, 0)
        reader.position = bits.position
        try:
            vp8l_layout._skip_pixels(reader, packed * height, layout.cache_bits)
        except ValueError:
            continue
        if 0 <= 8 * len(data) - reader.position < 16:
            return
    pytest.fail("the data does not end behind the pixels")


@pytest.mark.parametrize("block_bits", [2, 3, 5])
def test_read_layout_counts_the_blocks(block_bits):
    ((_, data),) = image_chunks(many_groups(300, block_bits, 9, cached=7))
    across = -(-300 // (1 << block_bits))

    assert read_layout(data, 300, 300, 5) == Layout(across * across, 7)


@pytest.mark.slow
def test_estimate_tables_reads_the_file_where_the_estimate_is_not_enough():
    image = photo((1_920, 1_080))
    upload = encode(image, "WEBP", lossless=True, method=0)

    rough, close = (estimate_tables(upload, 1_920 * 1_080, enough) for enough in (1 << 40, 0))

    assert close < rough / 10
    assert estimate_tables(encode(image, "WEBP", method=0), 1_920 * 1_080, 0) == 0


def test_estimate_tables_counts_groups_that_no_block_uses():
    ((_, data),) = image_chunks(many_groups(1_024, 9, 900, cached=11))
    upload = riff(chunk(b"VP8L", bytes(data) + bytes(100_000)))

    assert estimate_tables(upload, 1 << 20, 0) >= 900 * 4 * (2_956 + 2_048)


def test_read_layout_rejects_long_transforms():
    bits = BitWriter()
    for value, length in ((1, 1), (0, 2), (0, 3)):  # a predictor for each 4 x 4 pixels
        bits.put(value, length)

    with pytest.raises(ValueError, match="transforms are too long"):
        read_layout(memoryview(bits.bytes()), 4_000, MAX_WEBP_SKIPPED_PIXELS // 1_000 * 4 + 4, 0)


DAMAGED = {
    "same transform twice": ([(1, 1), (2, 2), (1, 1), (2, 2)], "occurs twice"),
    "cache of no bits": ([(0, 1), (1, 1), (0, 4)], "colour cache has 0 bits"),
    "cache of 12 bits": ([(0, 1), (1, 1), (12, 4)], "colour cache has 12 bits"),
    "code without symbols": ([(1, 1), (3, 2), (0, 8), (0, 1), (0, 1), (0, 4)], "not complete"),
    "end": ([(1, 1), (3, 2), (0, 8)], "not complete"),
}


@pytest.mark.parametrize(("fields", "match"), DAMAGED.values(), ids=DAMAGED)
def test_read_layout_of_damaged_data(fields, match):
    bits = BitWriter()
    for value, length in fields:
        bits.put(value, length)

    with pytest.raises(ValueError, match=match):
        read_layout(memoryview(bits.bytes()), 64, 64, 0)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(data=st.data(), name=st.sampled_from(["photo", "opacity", "few-colours"]))
def test_read_layout_of_changed_bytes_raises_value_errors_only(data, name):
    ((_, content),) = image_chunks(LOSSLESS[name])
    changed = bytearray(content)
    for place in data.draw(st.lists(st.integers(5, 300), min_size=1, max_size=8)):
        changed[place % len(changed)] = data.draw(st.integers(0, 255))

    with suppress(ValueError):
        assert read_layout(memoryview(bytes(changed)), 120, 90, 5).blocks >= 1


def test_read_code_of_one_symbol_takes_no_bits():
    bits = BitWriter()
    for value, length in ((1, 1), (0, 1), (1, 1), (77, 8)):
        bits.put(value, length)
    reader = Bits(memoryview(bits.bytes()), 0)

    table = read_code(reader, 256)

    assert reader.position == 11
    assert [reader.symbol(table), reader.position] == [77, 11]
