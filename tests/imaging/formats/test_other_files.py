"""Errors about files that are not images which the service reads."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlflask.errors import ImageError, UnsupportedImage
from dlflask.imaging.formats.other_files import name_file
from dlflask.imaging.read_ink import read_ink
from tests.conftest import encode
from tests.drawing import draw_digit

# Pillow warns of tags that it skips in a damaged file; the service ignores that.
pytestmark = pytest.mark.filterwarnings("ignore:::PIL")

#: A literal of Python, or the name or address of an object.
PYTHON = re.compile(r"b'|b\"|\\x|<.*object|0x[0-9a-f]{6}|Error|NoneType")

FILES = {
    "a PDF document": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3",
    "an SVG or XML file": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "a web page": b"\n\n<!DOCTYPE html><html>",
    "a Photoshop document": b"8BPS\0\1",
    "a JPEG 2000 image": b"\0\0\0\x0cjP  \r\n\x87\n",
    "a JPEG XL image": b"\xff\x0a\xfa\x7f",
    "an icon": b"\0\0\1\0\1\0",
    "a ZIP archive or an office document": b"PK\3\4\x14",
    "compressed data": b"\x1f\x8b\x08\0",
    "base64 text": b"data:image/png;base64,iVBORw0KGgo=",
    "a video": b"\0\0\0\x18ftypmp42",
    "a video or a sound": b"RIFF\0\0\0\0WAVE",
    "an array": b"\x93NUMPY\1\0",
    "a program": b"MZ\x90\0",
    "text": "Four is a number. Größe".encode(),
    "data that begins with the bytes 01 02 03 04 05 06 07 08": bytes(range(1, 60)),
}


@pytest.mark.parametrize("kind", FILES)
def test_read_ink_names_the_kind_of_another_file(kind):
    with pytest.raises(UnsupportedImage) as caught:
        read_ink(FILES[kind])

    assert str(caught.value).startswith(
        f"The file is {kind}, which is not a supported image format"
    )
    assert str(caught.value).endswith("Send one of: PNG, JPEG, WEBP, GIF, BMP, TIFF, AVIF, HEIC.")


@given(st.binary(max_size=600))
def test_name_file_of_any_bytes_is_plain(upload):
    kind, advice = name_file(upload)

    assert kind
    assert not PYTHON.search(kind + advice)
    assert not advice or advice.endswith(". ")


@given(kind=st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF"]), data=st.data())
def test_read_ink_of_a_damaged_image_has_a_plain_message(kind, data):
    upload = bytearray(encode(draw_digit(4, 40), kind))
    for place in data.draw(st.lists(st.integers(0, len(upload) - 1), min_size=1, max_size=9)):
        upload[place] = data.draw(st.integers(0, 255))

    message = ""
    try:
        read_ink(bytes(upload)[: data.draw(st.integers(20, len(upload)))])
    except ImageError as error:
        message = str(error)
    assert not PYTHON.search(message), message
