"""Costly AVIFs: thousands of items, long Exif, many frames, a header that understates the size."""

import struct

import numpy as np
from PIL import Image

from tests.conftest import encode
from tests.costly.drawn import page, small_digit
from tests.drawing import draw_digit


def box(kind, content):
    return struct.pack(">I", len(content) + 8) + kind + content


def lying():
    """Return an AVIF whose header says 100 x 100 and whose frame has 25 megapixels."""
    upload = bytearray(encode(page(5_000, 5_000), "AVIF", speed=10, quality=50))
    place = upload.index(b"ispe") + 8
    upload[place : place + 8] = struct.pack(">II", 100, 100)
    return bytes(upload)


def with_items(times):
    """Return an AVIF with `times` items of an unknown type."""
    upload = encode(draw_digit(4), "AVIF")
    at = upload.index(b"iinf") - 4
    (size,) = struct.unpack_from(">I", upload, at)
    infe = b"".join(
        box(b"infe", b"\2\0\0\0" + struct.pack(">HH", 100 + n % 65_000, 0) + b"skip\0")
        for n in range(times)
    )
    old = upload[at + 14 : at + size]
    iinf = box(b"iinf", b"\1\0\0\0" + struct.pack(">I", 1 + times) + old + infe)
    grown = len(iinf) - size
    meta = upload.index(b"meta") - 4
    (meta_size,) = struct.unpack_from(">I", upload, meta)
    inner = upload[meta + 8 : at] + iinf + upload[at + size : meta + meta_size]
    changed = upload[:meta] + box(b"meta", inner) + upload[meta + meta_size :]
    return _moved(changed, grown)


def _moved(upload, by):
    """Move the offset of the one item by so many bytes."""
    at = upload.index(b"iloc") + 4
    version = upload[at]
    item = at + 4 + 2 + 2 + (2 if version < 2 else 4)
    place = item + (2 if version == 1 else 0) + 2 + 2
    (offset,) = struct.unpack_from(">I", upload, place)
    return upload[:place] + struct.pack(">I", offset + by) + upload[place + 4 :]


def _long_exif():
    """Return an AVIF with Exif of 16 MB."""
    return encode(
        draw_digit(4),
        "AVIF",
        exif=b"II*\0"
        + struct.pack("<IH", 8, 1)
        + struct.pack("<HHII", 0x010F, 2, 15_000_000, 26)
        + bytes(15_000_004),
    )


def _noise(side):
    grain = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    return encode(Image.fromarray(grain), "AVIF", speed=10, quality=90)


KINDS = {
    "avif.avif": lambda: encode(page(5_200, 5_200), "AVIF", speed=10),
    "small-digit.avif": lambda: encode(small_digit(5_200, 5_200), "AVIF", speed=10),
    "4-4-4.avif": lambda: encode(small_digit(5_200, 5_200), "AVIF", speed=10, subsampling="4:4:4"),
    "alpha.avif": lambda: encode(small_digit(5_200, 5_200, "RGBA"), "AVIF", speed=10),
    "lying.avif": lying,
    "exif-16-MB.avif": _long_exif,
    "items.avif": lambda: with_items(700_000),
    "items-at-limit.avif": lambda: with_items(12_000),
    "frames.avif": lambda: encode(
        draw_digit(4, 64), "AVIF", save_all=True, append_images=[draw_digit(8, 64)] * 200, speed=10
    ),
    "noise.avif": lambda: _noise(2_600),
}
