"""Costly HEICs: grids of many tiles, large images, much coded data, thousands of items.

No encoder is installed, so these are made of the images in tests/imaging/heic, of which a README
says how they were made.
"""

import struct

from dlflask.imaging.iso_media.boxes import boxes, find_boxes
from tests.serving import ROOT

FOLDER = ROOT / "tests" / "imaging" / "heic"


def box(kind, *content):
    """Return a box; its content is joined."""
    content = b"".join(content)
    return struct.pack(">I", len(content) + 8) + kind + content


def full_box(kind, *content, version=0, flags=0):
    """Return a box that begins with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


def item_entry(item, kind, *, hidden=True):
    """Return the entry of an item in `iinf`."""
    return full_box(
        b"infe", struct.pack(">HH4s", item, 0, kind), b"\0", version=2, flags=int(hidden)
    )


def properties_of(upload):
    """Return the properties in a file, each as a whole box, by its kind."""
    start, end = find_boxes(upload, (0, len(upload)), {b"meta"})[b"meta"]
    iprp = find_boxes(upload, (start + 4, end), {b"iprp"})[b"iprp"]
    ipco = find_boxes(upload, iprp, {b"ipco"})[b"ipco"]
    return {kind: box(kind, upload[slice(*span)]) for kind, span in boxes(upload, ipco)}


def coded_data(upload):
    """Return the coded image of a file of one item."""
    return upload[slice(*find_boxes(upload, (0, len(upload)), {b"mdat"})[b"mdat"])]


def size_property(width, height):
    return full_box(b"ispe", struct.pack(">II", width, height))


def heic(entries, *, properties, used, data, references=(), more=(), brand=b"heic"):
    """Return a HEIC whose main image is item 1.

    Args:
        entries: Entries of the items.
        properties: Properties, as boxes.
        used: {item: numbers of its properties, from 1}.
        data: {item: its data}; items with the same data share it.
        references: Boxes of the box `iref`.
        more: Further boxes of the box `meta`.
        brand: First brand of the file.
    """
    ftyp = box(b"ftyp", brand, bytes(4), b"mif1heic")
    pieces = list(dict.fromkeys(data.values()))
    starts, position = {}, 8
    for piece in pieces:
        starts[piece] = position
        position += len(piece)
    associations = b"".join(
        struct.pack(">HB", item, len(numbers)) + bytes(numbers) for item, numbers in used.items()
    )

    def meta(shift):
        places = b"".join(
            struct.pack(">HHHII", item, 0, 1, starts[piece] + shift, len(piece))
            for item, piece in data.items()
        )
        return full_box(
            b"meta",
            full_box(b"hdlr", bytes(4), b"pict", bytes(13)),
            full_box(b"pitm", struct.pack(">H", 1)),
            full_box(b"iinf", struct.pack(">I", len(entries)), *entries, version=1),
            full_box(b"iref", *references),
            box(
                b"iprp",
                box(b"ipco", *properties),
                full_box(b"ipma", struct.pack(">I", len(used)), associations),
            ),
            full_box(b"iloc", b"\x44\0", struct.pack(">H", len(data)), places),
            *more,
        )

    shift = len(ftyp) + len(meta(0))
    return ftyp + meta(shift) + box(b"mdat", *pieces)


def reference(kind, source, *to):
    """Return a reference of an item to others."""
    return box(kind, struct.pack(">HH", source, len(to)), struct.pack(f">{len(to)}H", *to))


def grid(tile, columns, rows, width=None, height=None):
    """Return a HEIC of tiles that are all the image of `tile`, as phones write large images.

    Args:
        tile: HEIC of one image.
        columns: Number of tiles side by side.
        rows: Number of rows of tiles.
        width: Width of the whole in pixels; that of the tiles if None.
        height: Its height.
    """
    kept = properties_of(tile)
    tile_width, tile_height = struct.unpack(">II", kept[b"ispe"][12:20])
    width, height = width or columns * tile_width, height or rows * tile_height
    tiles = range(2, 2 + columns * rows)
    header = struct.pack(">BBBBII", 0, 1, rows - 1, columns - 1, width, height)
    return heic(
        [item_entry(1, b"grid", hidden=False), *(item_entry(n, b"hvc1") for n in tiles)],
        properties=[size_property(width, height), kept[b"hvcC"], kept[b"ispe"]],
        used={1: [1]} | {key: [2, 3] for key in tiles},
        data={1: header} | dict.fromkeys(tiles, coded_data(tile)),
        references=[reference(b"dimg", 1, *tiles)],
    )


def read(name):
    """Return an image of tests/imaging/heic."""
    return (FOLDER / name).read_bytes()


def understated():
    """Return a HEIC whose header says 100 x 100 and whose image has 27 megapixels."""
    upload = bytearray(read("page.heic"))
    place = upload.index(b"ispe") + 8
    upload[place : place + 8] = struct.pack(">II", 100, 100)
    return bytes(upload)


def with_items(times):
    """Return a HEIC of `times` images, each with a profile of 150 kB and metadata of 2 MB."""
    tile = read("four.heic")
    kept = properties_of(tile)
    profile = box(b"colr", b"prof", bytes(150_000))
    others = range(2, 2 + times)
    return heic(
        [
            item_entry(1, b"hvc1", hidden=False),
            *(item_entry(n, b"hvc1", hidden=False) for n in others),
            item_entry(60_000, b"mime"),
            item_entry(60_001, b"Exif"),
        ],
        properties=[kept[b"hvcC"], kept[b"ispe"], profile],
        used={key: [1, 2, 3] for key in [1, *others]},
        data=dict.fromkeys([1, *others], coded_data(tile))
        | dict.fromkeys([60_000, 60_001], bytes(2_000_000)),
        references=[reference(b"cdsc", n, 1, *others) for n in (60_000, 60_001)],
    )


def overlays(depth):
    """Return a HEIC of overlays, each of which shows the one before twice."""
    tile = read("four.heic")
    kept = properties_of(tile)
    items = range(1, 1 + depth)
    place = struct.pack(">BBHHHHHHHHHHH", 0, 0, 0, 0, 0, 0, 120, 120, 0, 0, 0, 0, 0)[:22]
    return heic(
        [*(item_entry(n, b"iovl", hidden=n > 1) for n in items), item_entry(1 + depth, b"hvc1")],
        properties=[kept[b"hvcC"], kept[b"ispe"]],
        used={key: [2] for key in items} | {1 + depth: [1, 2]},
        data=dict.fromkeys(items, place) | {1 + depth: coded_data(tile)},
        references=[reference(b"dimg", n, n + 1, n + 1) for n in items],
    )


def rotated(times, name="page.heic"):
    """Return a HEIC that is to be rotated `times` times."""
    tile = read(name)
    kept = properties_of(tile)
    return heic(
        [item_entry(1, b"hvc1", hidden=False)],
        properties=[kept[b"hvcC"], kept[b"ispe"], box(b"irot", b"\1")],
        used={1: [1, 2, *[3] * times]},
        data={1: coded_data(tile)},
    )


def of_frames(times):
    """Return a HEIC whose one image has `times` frames, all of which a decoder may keep."""
    tile = read("page.heic")
    kept = properties_of(tile)
    return heic(
        [item_entry(1, b"hvc1", hidden=False)],
        properties=[kept[b"hvcC"], kept[b"ispe"]],
        used={1: [1, 2]},
        data={1: coded_data(tile) * times},
    )


KINDS = {
    "page.heic": lambda: read("page.heic"),
    "small-digit-4-4-4.heic": lambda: read("small-digit-4-4-4.heic"),
    "small-digit-10-bits.heic": lambda: read("small-digit-10-bits.heic"),
    "opacity-10-bits.heic": lambda: read("opacity-10-bits.heic"),
    "tiles.heic": lambda: grid(read("four-left-half.heic"), 41, 24),
    "noise.heic": lambda: grid(read("noise.heic"), 19, 20),
    "noise-over-limit.heic": lambda: grid(read("noise.heic"), 20, 20),
    "rotated.heic": lambda: rotated(1),
    "rotated-again.heic": lambda: rotated(200),
    "understated.heic": understated,
    "items.heic": lambda: with_items(900),
    "overlays.heic": lambda: overlays(40),
    "frames.heic": lambda: of_frames(16),
}
