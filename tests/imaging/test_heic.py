"""HEIC images as phones and cameras write them."""

from __future__ import annotations

import struct
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlflask.digits.normalization import normalize, read_tensor
from dlflask.errors import BlankImage, DamagedImage, ImageError, TooManyPixels, UnsupportedImage
from dlflask.imaging.cost import large_images
from dlflask.imaging.read_ink import read_ink
from tests.conftest import encode
from tests.costly.heic import (
    box,
    coded_data,
    full_box,
    grid,
    heic,
    item_entry,
    of_frames,
    overlays,
    properties_of,
    read,
    reference,
    rotated,
    size_property,
    understated,
    with_items,
)
from tests.drawing import draw_digit
from tests.pen_strokes import difference

FOUR = read("four.heic")
KEPT = properties_of(FOUR)
EXPECTED = read_tensor(encode(draw_digit(4, 120)))


def one_image(*added, used=(), data=None, brand=b"heic"):
    """Return the 4 as a HEIC with further properties."""
    return heic(
        [item_entry(1, b"hvc1", hidden=False)],
        properties=[KEPT[b"hvcC"], KEPT[b"ispe"], *added],
        used={1: [1, 2, *used]},
        data={1: data or coded_data(FOUR)},
        brand=brand,
    )


def of_two_tiles():
    """Return a HEIC of two tiles, its header in the box `idat` as phones write it."""
    halves = [read("four-left-half.heic"), read("four-right-half.heic")]
    header = struct.pack(">BBBBHH", 0, 0, 0, 1, 128, 128)
    whole = heic(
        [item_entry(1, b"grid", hidden=False), item_entry(2, b"hvc1"), item_entry(3, b"hvc1")],
        properties=[
            size_property(128, 128),
            size_property(64, 128),
            *(properties_of(half)[b"hvcC"] for half in halves),
        ],
        used={1: [1], 2: [2, 3], 3: [2, 4]},
        data={1: header, 2: coded_data(halves[0]), 3: coded_data(halves[1])},
        references=[reference(b"dimg", 1, 2, 3)],
    )
    assert read_ink(whole).shape == (128, 128)
    return whole


@pytest.mark.parametrize(
    "name", ["four.heic", "four-grey.heic", "four-opacity.heic", "four-10-bits.heic"]
)
def test_read_tensor_of_heic_shows_the_digit(name):
    assert difference(read_tensor(read(name)), EXPECTED) < 0.04


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"msf1", b"hevc"])
def test_read_tensor_of_heic_by_any_brand(brand):
    assert difference(read_tensor(one_image(brand=brand)), EXPECTED) < 0.04


def test_read_tensor_of_heic_tiles_joins_them():
    expected = read_tensor(encode(draw_digit(4, 128)))

    assert difference(read_tensor(of_two_tiles()), expected) < 0.04


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_read_ink_of_heic_rotates_it(turns):
    turned = one_image(box(b"irot", bytes([turns])), used=[3])

    np.testing.assert_allclose(read_ink(turned), np.rot90(read_ink(FOUR), turns), atol=0.02)


def test_read_ink_of_heic_mirrors_it():
    mirrored = one_image(box(b"imir", b"\1"), used=[3])

    np.testing.assert_allclose(read_ink(mirrored), np.fliplr(read_ink(FOUR)), atol=0.02)


def test_read_ink_of_heic_hides_what_decoding_does_not_need():
    """Opened as it is, this file takes 200 MB."""
    np.testing.assert_array_equal(read_ink(with_items(50)), read_ink(FOUR))


def test_read_ink_of_heic_is_the_main_image_only():
    tile = read("four-left-half.heic")
    kept = properties_of(tile)
    thumbnail = heic(
        [item_entry(1, b"hvc1", hidden=False), item_entry(2, b"hvc1", hidden=False)],
        properties=[KEPT[b"hvcC"], KEPT[b"ispe"], kept[b"hvcC"], kept[b"ispe"]],
        used={1: [1, 2], 2: [3, 4]},
        data={1: coded_data(FOUR), 2: coded_data(tile)},
        references=[reference(b"thmb", 2, 1)],
    )

    np.testing.assert_array_equal(read_ink(thumbnail), read_ink(FOUR))


def test_read_ink_of_heic_by_avif_name_is_its_format():
    """A file of the brand `avif` with an image in HEVC is damaged for every reader."""
    with pytest.raises(DamagedImage):
        read_ink(one_image(brand=b"avif"))


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9, 0.99])
def test_read_ink_of_truncated_heic_is_damaged(part):
    with pytest.raises((DamagedImage, UnsupportedImage)):
        read_ink(FOUR[: int(len(FOUR) * part)])


PARAMETERS = coded_data(FOUR)
IN_DATA = struct.pack(">I", 3) + b"\x42\1\1"

REJECTED = {
    "understated": (understated(), "says 100 x 100 pixels, but its coded image has 5200 x 5200"),
    "overlays": (overlays(8), "HEIC files that cameras write"),
    "rotated-again": (rotated(2, "four.heic"), "HEIC files that cameras write"),
    "frames": (of_frames(2), "HEIC files that cameras write"),
    "parameters-in-the-data": (
        one_image(data=IN_DATA + PARAMETERS),
        "HEIC files that cameras write",
    ),
    "unit-of-no-bytes": (one_image(data=bytes(4) + PARAMETERS), "HEIC files that cameras write"),
    "unit-too-long": (one_image(data=b"\0\1\0\0" + PARAMETERS), "HEIC files that cameras write"),
    "much-data": (grid(read("noise.heic"), 20, 20), "tiles have 10,265,600 bytes; the limit"),
    "other-coding": (FOUR.replace(b"hvc1", b"jpeg"), "HEIC files that cameras write"),
    "second-main-image": (FOUR.replace(b"pitm", b"free"), "HEIC files that cameras write"),
    "data-elsewhere": (FOUR[:-10], "end is missing"),
}


@pytest.mark.parametrize("name", REJECTED)
def test_read_ink_rejects_heic_before_decoding(name):
    upload, message = REJECTED[name]

    with large_images.decode_slot(), pytest.raises(DamagedImage, match=message):
        read_ink(upload)


def test_read_ink_limits_the_pixels_of_all_tiles():
    """Tiles beyond the edge of the image are decoded as well."""
    with pytest.raises(TooManyPixels, match="limit is 28 for this kind of HEIC"):
        read_ink(grid(read("page.heic"), 2, 1, 5_200, 5_200))


def test_read_ink_limits_a_grid_by_its_own_size():
    tiles = grid(FOUR, 2, 2)
    changed = tiles.replace(struct.pack(">BBBBII", 0, 1, 1, 1, 240, 240), b"\0\1\1\1" + b"\0\1" * 4)

    with pytest.raises(DamagedImage, match="HEIC files that cameras write"):
        read_ink(changed)


@pytest.mark.parametrize("upload", [FOUR, of_two_tiles()], ids=["whole", "tiles"])
def test_read_ink_of_a_small_heic_needs_no_slot(upload):
    with large_images.decode_slot():
        reading = threading.Thread(target=read_ink, args=[upload], daemon=True)
        reading.start()
        reading.join(30)

    assert not reading.is_alive()


def test_read_ink_of_a_large_heic_takes_a_slot():
    with large_images.decode_slot():
        assert large_images._places.acquire(blocking=False)
        try:
            with pytest.raises(Exception, match="Send this image again"):
                read_ink(read("page.heic"))
        finally:
            large_images._places.release()


def test_read_ink_of_even_heic_is_blank():
    with pytest.raises(BlankImage):
        read_ink(read("noise.heic"))


def test_properties_of_unknown_kinds_change_nothing():
    upload = one_image(full_box(b"abcd", b"x"), KEPT[b"pixi"], used=[3, 4])

    np.testing.assert_array_equal(read_ink(upload), read_ink(FOUR))


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(data=st.data(), name=st.sampled_from(["four.heic", "four-opacity.heic", "tiles"]))
def test_read_ink_of_changed_heic_raises_image_errors_only(data, name):
    upload = bytearray(of_two_tiles() if name == "tiles" else read(name))
    for place in data.draw(st.lists(st.integers(0, len(upload) - 1), min_size=1, max_size=8)):
        upload[place] = data.draw(st.integers(0, 255))

    try:
        tensor = normalize(read_ink(bytes(upload)))
    except ImageError:
        return
    assert tensor.shape == (28, 28)
