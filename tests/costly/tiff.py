"""Costly TIFFs: thousands of strips, tags and directories; strips that share their data."""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image

from tests.conftest import encode
from tests.costly.drawn import page, small_digit
from tests.costly.jpeg import repeated_scans
from tests.drawing import draw_digit

LETTERS = {1: "B", 2: "B", 3: "H", 4: "I", 5: "I", 7: "B", 12: "d", 16: "Q"}


def tiff(width, height, tags, data=b"", *, big=False, following=0):
    """Return a grey TIFF with further tags {number: (type, values)}; `data` follows the header.

    Values of type bytes are written unchanged.
    """
    tags = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [8]),
        262: (3, [1]),
        277: (3, [1]),
    } | tags
    start = 16 if big else 8
    room = 8 if big else 4
    outside = bytearray()
    place = start + len(data)
    entries = b""
    for tag, (kind, values) in sorted(tags.items()):
        letter = LETTERS[kind]
        held = (
            values if isinstance(values, bytes) else struct.pack(f"<{len(values)}{letter}", *values)
        )
        count = len(held) // (struct.calcsize(letter) * (2 if kind == 5 else 1))
        if len(held) > room:
            where = place + len(outside)
            outside += held
            held = struct.pack("<Q" if big else "<I", where)
        entries += struct.pack("<HHQ" if big else "<HHI", tag, kind, count) + held.ljust(
            room, b"\0"
        )
    directory = place + len(outside)
    head = (
        struct.pack("<HHHHQ", 0x4949, 43, 8, 0, directory)
        if big
        else struct.pack("<HHI", 0x4949, 42, directory)
    )
    count = struct.pack("<Q" if big else "<H", len(tags))
    return (
        head
        + data
        + bytes(outside)
        + count
        + entries
        + struct.pack("<Q" if big else "<I", following)
    )


def strips(compression, one, times, *, width=500, rows=1, shared=False, photometric=1, more=None):
    """Return a TIFF of `times` strips of the same content `one`."""
    data = one if shared else one * times
    offsets = [8 + (0 if shared else n * len(one)) for n in range(times)]
    tags = {
        259: (3, [compression]),
        262: (3, [photometric]),
        273: (4, offsets),
        278: (4, [rows]),
        279: (4, [len(one)] * times),
    }
    return tiff(width, rows * times, tags | (more or {}), data)


def strip_of(compression, width=500, rows=1, mode="L", **options):
    """Return the data of one strip as Pillow writes it."""
    grain = np.random.default_rng(0).integers(0, 256, (rows, width), np.uint8)
    upload = encode(
        Image.fromarray(grain).convert(mode), "TIFF", compression=compression, **options
    )
    with Image.open(BytesIO(upload)) as picture:
        tags = picture.tag_v2
        offset, size = tags[273][0], tags[279][0]
    return upload[offset : offset + size]


COLOUR = {258: (3, [8, 8, 8]), 277: (3, [3])}
LIMIT = 20_000


def _grey_scans(width, height, times):
    upload = encode(page(width, height, "L"), "JPEG", progressive=True)
    last = upload[upload.rindex(b"\xff\xda") : -2]
    return upload[:-2] + last * times + b"\xff\xd9"


def _exif_directory():
    """Return a TIFF with a directory of 2 million rational numbers."""
    inner = (
        struct.pack("<HHHII", 1, 33434, 5, 1_900_000, 8 + 18 + 4)
        + bytes(4)
        + b"\1\0\0\0\2\0\0\0" * 1_900_000
    )
    return tiff(100, 100, {273: (4, [8]), 279: (4, [10_000]), 34665: (4, [8])}, inner)


def _loop():
    upload = tiff(
        100, 100, {273: (4, [8]), 279: (4, [10_000]), 330: (4, [10_008] * 4_000)}, bytes(10_000)
    )
    (start,) = struct.unpack_from("<I", upload, 4)
    return upload[:-4] + struct.pack("<I", start)


def _chain():
    """Return a TIFF of a million directories, each with one tag."""
    upload = tiff(100, 100, {273: (4, [8]), 279: (4, [10_000])}, bytes(10_000))
    at, parts = len(upload), [upload[:-4], struct.pack("<I", len(upload))]
    for _ in range(800_000):
        at += 18
        parts.append(struct.pack("<HHHIII", 1, 256, 3, 1, 1, at))
    return b"".join(parts)


KINDS = {
    "offsets-bytes.tif": lambda: tiff(
        64, 64, {273: (1, b"\1" * 4_000_000), 278: (3, [1]), 279: (1, b"\1" * 4_000_000)}
    ),
    "offsets-big.tif": lambda: tiff(64, 64, {273: (1, b"\1" * 4_000_000), 278: (3, [1])}, big=True),
    "raw-strips-at-limit.tif": lambda: strips(1, bytes(500), LIMIT),
    "raw-tiles-at-limit.tif": lambda: tiff(
        2_256,
        2_256,
        {322: (3, [16]), 323: (3, [16]), 324: (4, [8] * (141 * 141)), 325: (4, [256] * 141 * 141)},
        bytes(256),
    ),
    "raw-planes-at-limit.tif": lambda: tiff(
        500,
        6_666,
        {
            258: (3, [8] * 3),
            262: (3, [2]),
            273: (4, [8] * 19_998),
            277: (3, [3]),
            278: (3, [1]),
            279: (4, [500] * 19_998),
            284: (3, [2]),
        },
        bytes(500),
    ),
    "lzw-strips.tif": lambda: strips(5, strip_of("tiff_lzw"), LIMIT),
    "deflate-strips.tif": lambda: strips(8, strip_of("tiff_adobe_deflate"), LIMIT),
    "deflate-shared.tif": lambda: strips(
        8, zlib.compress(bytes(500) + bytes(10_000_000)), LIMIT, shared=True
    ),
    "deflate-empty-blocks.tif": lambda: strips(
        8, b"\x78\x9c" + b"\0\0\0\xff\xff" * 150 + b"\3\0", LIMIT
    ),
    "packbits-strips.tif": lambda: strips(32773, strip_of("packbits"), LIMIT),
    "zstd-strips.tif": lambda: strips(50000, strip_of("zstd"), LIMIT),
    "lzma-strips.tif": lambda: strips(34925, strip_of("lzma"), LIMIT),
    "jpeg-strips.tif": lambda: strips(
        7, encode(draw_digit(4, 16).convert("L").resize((400, 8)), "JPEG"), LIMIT, rows=8
    ),
    "jpeg-strips-1-row.tif": lambda: strips(
        7, encode(draw_digit(4, 16).convert("L").resize((500, 1)), "JPEG"), LIMIT
    ),
    "jpeg-strips-progressive.tif": lambda: strips(
        7,
        encode(draw_digit(4, 16).convert("L").resize((400, 8)), "JPEG", progressive=True),
        LIMIT,
        rows=8,
    ),
    "jpeg-one-progressive.tif": lambda: strips(
        7,
        encode(page(4_600, 4_600), "JPEG", progressive=True, subsampling=0),
        1,
        width=4_600,
        rows=4_600,
        photometric=6,
        more=COLOUR,
    ),
    "jpeg-one-of-many-scans.tif": lambda: strips(
        7,
        repeated_scans(4_600, 4_600, 36, subsampling=0),
        1,
        width=4_600,
        rows=4_600,
        photometric=6,
        more=COLOUR,
    ),
    "jpeg-many-scans-grey.tif": lambda: strips(
        7, _grey_scans(8_000, 8_000, 9), 1, width=8_000, rows=8_000
    ),
    "group3-strips.tif": lambda: strips(
        3, b"\x35" * 60, LIMIT, photometric=0, more={258: (3, [1])}
    ),
    "icc-of-numbers.tif": lambda: strips(1, bytes(500), 200, more={34675: (3, bytes(15_000_000))}),
    "xmp-of-numbers.tif": lambda: strips(1, bytes(500), 200, more={700: (3, bytes(15_000_000))}),
    "xmp.tif": lambda: strips(1, bytes(500), 200, more={700: (1, b"tiff:Orientation " * 880_000)}),
    "bits-of-numbers.tif": lambda: strips(1, bytes(500), 200, more={258: (3, bytes(15_000_000))}),
    "orientation-of-numbers.tif": lambda: strips(
        1, bytes(500), 200, more={274: (3, bytes(15_000_000))}
    ),
    "colour-map.tif": lambda: strips(
        1, bytes(500), 200, photometric=3, more={320: (3, bytes(15_000_000))}
    ),
    "exif-of-rationals.tif": _exif_directory,
    "private-tags.tif": lambda: strips(
        1, bytes(500), 200, more={40_000 + n: (7, bytes(200)) for n in range(4_000)}
    ),
    "many-tags.tif": lambda: strips(
        1, bytes(500), 200, more={1_000 + n: (3, [1]) for n in range(60_000)}
    ),
    "loop-of-directories.tif": _loop,
    "chain-of-directories.tif": _chain,
    "rows-without-end.tif": lambda: tiff(
        1, 60_000_000, {273: (4, [8]), 278: (3, [1]), 279: (4, [1]), 259: (3, [8])}, b"1"
    ),
    "cmyk.tif": lambda: encode(
        page(4_600, 4_600, "CMYK"), "TIFF", compression="tiff_adobe_deflate"
    ),
    "lzw.tif": lambda: encode(page(4_600, 4_600), "TIFF", compression="tiff_lzw"),
    "small-digit.tif": lambda: encode(small_digit(4_600, 4_600), "TIFF", compression="tiff_lzw"),
    "zstd.tif": lambda: encode(small_digit(4_600, 4_600), "TIFF", compression="zstd"),
    "lzma.tif": lambda: encode(small_digit(4_600, 4_600), "TIFF", compression="lzma"),
    "lzma-grey.tif": lambda: encode(small_digit(8_000, 8_000, "L"), "TIFF", compression="lzma"),
    "grey-deflate.tif": lambda: encode(
        small_digit(8_000, 8_000, "L"), "TIFF", compression="tiff_adobe_deflate"
    ),
    "group4.tif": lambda: encode(small_digit(8_000, 8_000, "1"), "TIFF", compression="group4"),
    "float.tif": lambda: strips(
        8,
        zlib.compress(bytes(4 * 4_600 * 4_600), 1),
        1,
        width=4_600,
        rows=4_600,
        more={258: (3, [32]), 339: (3, [3])},
    ),
    "turned.tif": lambda: encode(
        page(4_600, 4_600), "TIFF", compression="tiff_lzw", tiffinfo={274: 6}
    ),
    "turned-grey.tif": lambda: encode(
        page(8_000, 8_000, "L"), "TIFF", compression="tiff_lzw", tiffinfo={274: 6}
    ),
    "a4.tif": lambda: encode(page(2_480, 3_508), "TIFF", compression="jpeg", tiffinfo={278: 8}),
    "a4-grey.tif": lambda: encode(
        page(3_000, 4_000, "L"), "TIFF", compression="jpeg", tiffinfo={278: 8}
    ),
}
