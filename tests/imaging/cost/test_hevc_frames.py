"""The size of the images coded in a HEIC file."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlflask.imaging.cost.hevc_frames import Frame, HeicCost, _read_parameters, heic_cost
from dlflask.imaging.formats.invalid_file import InvalidFile
from tests.costly.heic import grid, read

COSTS = {
    "four.heic": HeicCost(120 * 120, is_deep=False, has_opacity=False),
    "four-grey.heic": HeicCost(120 * 120, is_deep=False, has_opacity=False),
    "four-opacity.heic": HeicCost(120 * 120, is_deep=False, has_opacity=True),
    "four-10-bits.heic": HeicCost(120 * 120, is_deep=True, has_opacity=False),
    "page.heic": HeicCost(5_200 * 5_200, is_deep=False, has_opacity=False),
}


@pytest.mark.parametrize("name", COSTS)
def test_heic_cost_of_one_image(name):
    assert heic_cost(read(name)) == COSTS[name]


def test_heic_cost_of_tiles_is_that_of_whole_tiles():
    upload = grid(read("four.heic"), 3, 2, 300, 200)

    assert heic_cost(upload).pixels == 6 * 120 * 120


def exponential(number):
    """Return a number in H.265's `exponential(v)`."""
    bits = format(number + 1, "b")
    return "0" * (len(bits) - 1) + bits


def parameters(layers, chroma, depth, *, cropped=False):
    """Return a sequence parameter set of 1,920 x 1,088 pixels as far as its bit depths."""
    general = "01" * 44 + "0" * 8
    of_layers = "11" * layers + "00" * (8 - layers) * bool(layers) + ("1" * 96) * layers
    colours = exponential(chroma) + ("0" if chroma == 3 else "")
    window = "1" + exponential(0) * 3 + exponential(4) if cropped else "0"
    depths = exponential(depth - 8) + exponential(depth - 8)
    size = exponential(1_920) + exponential(1_088)
    bits = "0000" + format(layers, "03b") + "1" + general + of_layers + exponential(0)
    bits += colours + size + window + depths + "10000000"
    data = b"\x42\1" + int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8))
    return data.replace(b"\0\0\0", b"\0\0\3\0").replace(b"\0\0\1", b"\0\0\3\1")


@pytest.mark.parametrize("layers", [0, 1, 6])
@pytest.mark.parametrize(("chroma", "depth"), [(0, 8), (1, 8), (1, 10), (2, 10), (3, 8), (3, 12)])
@pytest.mark.parametrize("cropped", [False, True])
def test_read_parameters_of_any_layers_and_colours(layers, chroma, depth, cropped):
    frame = _read_parameters(parameters(layers, chroma, depth, cropped=cropped))

    assert frame == Frame(1_920, 1_088, is_deep=depth > 8 and chroma > 1)


def test_read_parameters_that_are_cut_off():
    whole = parameters(0, 1, 8)

    for end in range(2, len(whole) - 2):
        with pytest.raises(ValueError, match=r"cut off|substring"):
            _read_parameters(whole[:end])


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_heic_cost_of_changed_bytes_is_known_or_invalid(data):
    changed = bytearray(grid(read("four.heic"), 2, 2))
    for place in data.draw(st.lists(st.integers(0, 700), min_size=1, max_size=8)):
        changed[place] = data.draw(st.integers(0, 255))

    try:
        cost = heic_cost(bytes(changed))
    except InvalidFile:
        return
    assert cost.pixels > 0


def test_heic_cost_of_any_part_of_a_file_is_the_same_or_invalid():
    upload = read("four-opacity.heic")

    for end in range(len(upload)):
        with pytest.raises(InvalidFile):
            heic_cost(upload[:end])


def test_heic_cost_of_data_shared_by_all_tiles_counts_it_each_time():
    upload = grid(read("four.heic"), 60, 90)

    with pytest.raises(InvalidFile, match=r"5,400 tiles"):
        heic_cost(upload + struct.pack(">I4s", 8, b"free"))
