"""Costly JPEGs: thousands of segments, many scans, slow codings."""

import struct

import numpy as np
from PIL import Image

from tests.conftest import encode
from tests.costly.drawn import UPLOAD_BYTES, page, small_digit
from tests.costly.png import exif_with_long_orientation
from tests.drawing import draw_digit

FOUR = encode(draw_digit(4, 1_000), "JPEG")

#: A table of 255 codes of 8 bits.
HUFFMAN = b"\0" + bytes(7) + b"\xff" + bytes(8) + bytes(range(255))


def segment(kind, content):
    return bytes([0xFF, kind]) + struct.pack(">H", len(content) + 2) + content


def with_segments(segments, jpeg=FOUR):
    return jpeg[:2] + segments + jpeg[2:]


def filled(kind, content):
    """Return a JPEG of as many such segments as an upload may hold."""
    one = segment(kind, content)
    return with_segments(one * (UPLOAD_BYTES // len(one)))


def scans(width, height, **options):
    """Return a progressive JPEG without its end, and its last scan."""
    upload = encode(page(width, height), "JPEG", progressive=True, **options)
    return upload[:-2], upload[upload.rindex(b"\xff\xda") : -2]


def repeated_scans(width, height, times, **options):
    head, last = scans(width, height, **options)
    return head + last * times + b"\xff\xd9"


def between_scans(segments):
    """Return a JPEG with segments between its first scans and its last."""
    head, last = scans(1_000, 1_000)
    return head + segments + last + b"\xff\xd9"


def in_scans_of_one_component(upload, times=1):
    """Return a baseline JPEG with a scan for each component in place of its one scan."""
    start = upload.index(b"\xff\xda")
    data = bytes(20_000)
    parts = [
        segment(0xDA, bytes([1, component, 0x00 if component == 1 else 0x11, 0, 63, 0])) + data
        for component in (1, 2, 3)
    ]
    return upload[:start] + b"".join(parts) * times + b"\xff\xd9"


def coded_as(frame, width, height, data=b"\0" * 64, *, start=0, end=63):
    """Return a JPEG of another coding with hardly any data; the decoder continues with zeros."""
    tables = segment(0xDB, b"\0" + b"\1" * 64)
    tables += b"".join(
        segment(0xC4, bytes([kind]) + b"\1" + bytes(15) + b"\0") for kind in (0x00, 0x10)
    )
    layers = b"".join(bytes([n, 0x11, 0]) for n in (1, 2, 3))
    header = segment(frame, struct.pack(">BHHB", 8, height, width, 3) + layers)
    selected = b"".join(bytes([n, 0]) for n in (1, 2, 3))
    scan = segment(0xDA, b"\3" + selected + bytes([start, end, 0]))
    return b"\xff\xd8" + tables + header + scan + data + b"\xff\xd9"


def arithmetic_scans(width, height, times):
    """Return a progressive JPEG in arithmetic coding with empty scans."""
    head = coded_as(0xCA, width, height, b"", start=0, end=0)[:-2]
    one = segment(0xDA, bytes([1, 1, 0, 1, 63, 0]))
    return head + one * times + b"\xff\xd9"


KINDS = {
    "exif.jpg": lambda: filled(0xE1, b"Exif\0\0" + bytes(1_300)),
    "exif-large.jpg": lambda: filled(0xE1, b"Exif\0\0" + bytes(65_000)),
    "exif-orientation.jpg": lambda: with_segments(
        segment(0xE1, b"Exif\0\0" + exif_with_long_orientation(65_000))
    ),
    "exif-tags.jpg": lambda: with_segments(
        segment(
            0xE1,
            b"Exif\0\0II*\0"
            + struct.pack("<IH", 8, 5_400)
            + b"".join(struct.pack("<HHII", 2_000 + n, 3, 1, 1) for n in range(5_400)),
        )
    ),
    "xmp.jpg": lambda: filled(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"tiff:Orientation" * 90),
    "comments.jpg": lambda: filled(0xFE, b"c"),
    "comments-at-limit.jpg": lambda: with_segments(segment(0xFE, bytes(300)) * 49_900),
    "icc.jpg": lambda: filled(0xE2, b"ICC_PROFILE\0\1\xff" + bytes(65_000)),
    "photoshop.jpg": lambda: filled(0xED, b"Photoshop 3.0\0" + b"8BIM\3\xed\0\0\0\0\0\0" * 5_400),
    "mpo.jpg": lambda: filled(0xE2, b"MPF\0II*\0\10\0\0\0" + b"\xff\xff" + bytes(60_000)),
    "jfif.jpg": lambda: filled(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"),
    "tables.jpg": lambda: filled(0xDB, (b"\0" + b"\1" * 64) * 1_000),
    "tables-at-limit.jpg": lambda: with_segments(segment(0xDB, (b"\0" + b"\1" * 64) * 1_000) * 15),
    "huffman.jpg": lambda: filled(0xC4, HUFFMAN * 240),
    "huffman-between-scans.jpg": lambda: between_scans(segment(0xC4, HUFFMAN * 240) * 244),
    "restarts.jpg": lambda: with_segments(b"\xff\xd0" * 8_000_000),
    "fill-bytes.jpg": lambda: with_segments(b"\xff" * UPLOAD_BYTES),
    "junk.jpg": lambda: with_segments(b"\0" * UPLOAD_BYTES),
    "comments-between-scans.jpg": lambda: between_scans(segment(0xFE, b"") * 3_900_000),
    "one-scan.jpg": lambda: encode(page(8_000, 8_000), "JPEG"),
    "one-scan-small-digit.jpg": lambda: encode(small_digit(8_000, 8_000), "JPEG", subsampling=0),
    "noise.jpg": lambda: _noise(2_600),
    "one-scan-without-end.jpg": lambda: encode(page(8_000, 8_000), "JPEG")[:-2],
    "small-digit-without-end.jpg": lambda: encode(small_digit(8_000, 8_000), "JPEG")[:-2],
    "progressive-without-end.jpg": lambda: encode(
        page(5_000, 5_000), "JPEG", progressive=True, subsampling=0
    )[:-2],
    "noise-without-end.jpg": lambda: _noise(3_000)[:-2],
    "progressive.jpg": lambda: encode(page(5_000, 5_000), "JPEG", progressive=True, subsampling=0),
    "progressive-small-digit.jpg": lambda: encode(
        small_digit(5_000, 5_000), "JPEG", progressive=True, subsampling=0
    ),
    "progressive-noise.jpg": lambda: _noise(2_600, progressive=True),
    "300-scans.jpg": lambda: repeated_scans(2_000, 2_000, 300),
    "38-scans.jpg": lambda: repeated_scans(5_000, 5_000, 28, subsampling=0),
    "900-scans.jpg": lambda: repeated_scans(1_000, 1_000, 900),
    "three-scans.jpg": lambda: in_scans_of_one_component(
        encode(page(8_000, 8_000), "JPEG", subsampling=0)
    ),
    "three-scans-at-limit.jpg": lambda: in_scans_of_one_component(
        encode(page(5_000, 5_000), "JPEG", subsampling=0)
    ),
    "30-scans-of-one-component.jpg": lambda: in_scans_of_one_component(
        encode(page(5_000, 5_000), "JPEG", subsampling=0), 10
    ),
    "thumbnail-before-three-scans.jpg": lambda: with_segments(
        segment(0xE1, b"Exif\0\0" + encode(draw_digit(4, 60), "JPEG")),
        in_scans_of_one_component(encode(page(8_000, 8_000), "JPEG", subsampling=0)),
    ),
    "arithmetic.jpg": lambda: coded_as(0xC9, 8_000, 8_000),
    "arithmetic-random.jpg": lambda: coded_as(0xC9, 4_000, 4_000, _random(6_000_000)),
    "arithmetic-progressive.jpg": lambda: arithmetic_scans(5_000, 5_000, 36),
    "arithmetic-progressive-random.jpg": lambda: coded_as(
        0xCA, 5_000, 5_000, _random(6_000_000), start=0, end=0
    ),
    "arithmetic-scans-random.jpg": lambda: (
        coded_as(0xCA, 5_000, 5_000, b"", start=0, end=0)[:-2]
        + (segment(0xDA, bytes([1, 1, 0, 1, 63, 0])) + _random(400_000)) * 36
        + b"\xff\xd9"
    ),
    "lossless.jpg": lambda: coded_as(0xC3, 8_000, 8_000, bytes(1_000_000), start=1, end=0),
    "huffman-zeros.jpg": lambda: coded_as(0xC0, 8_000, 8_000, bytes(8_000_000)),
}


def _random(size):
    """Return random bytes without markers."""
    return np.random.default_rng(0).bytes(size).replace(b"\xff", b"\xfe")


def _noise(side, **options):
    grain = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    return encode(Image.fromarray(grain), "JPEG", quality=92, **options)
