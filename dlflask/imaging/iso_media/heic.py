"""Find the images that the service decodes in a HEIC file: the main image and its opacity.

Cameras divide a large image into tiles, and each tile is a separate item. Cameras also add
thumbnails, depth maps, brightness maps and metadata, which this service does not need.

Source: ISO/IEC 23008-12:2022, sections 6.4, 6.5 and 6.6.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from dlflask.imaging.formats.invalid_file import InvalidFile
from dlflask.imaging.iso_media.boxes import Span, boxes, find_boxes, unique
from dlflask.imaging.iso_media.items import (
    ItemEntry,
    Numbers,
    item_entries,
    item_extents,
    item_properties,
    item_references,
)

#: Width and height in pixels.
Size = tuple[int, int]

#: Kinds of items. `CODED`: an image or a tile coded in HEVC. `GRID`: an image made of tiles.
CODED, GRID = b"hvc1", b"grid"

#: Boxes with the tables of the items: boxes that must occur, and boxes that may be missing.
_REQUIRED = {b"iinf", b"iloc", b"iprp", b"pitm"}
_OPTIONAL = {b"iref", b"idat"}

#: Properties that crop, mirror, rotate or scale an image. Each property takes time for every pixel.
_TRANSFORMATIONS = {b"clap", b"imir", b"irot", b"iscl"}

#: An auxiliary image contains the opacity if its type name ends with one of these.
_OPACITY = (b":auxiliary:alpha", b":auxid:1")


@contextmanager
def reading_structure() -> Iterator[None]:
    """Raise `InvalidFile` instead of the errors that occur while the tables of a HEIC are read."""
    try:
        yield
    except InvalidFile:
        raise
    except (struct.error, LookupError, ValueError):
        raise InvalidFile(
            "its structure differs from that of HEIC files that cameras write"
        ) from None


@dataclass(frozen=True)
class HeicItems:
    """Tables of the items of a HEIC file.

    Attributes:
        upload: The file.
        parts: Spans of the tables, by the kind of their box.
    """

    upload: bytes
    parts: dict[bytes, Span]

    @classmethod
    def of(cls, upload: bytes) -> HeicItems:
        """Find the tables.

        Raises:
            ValueError, LookupError, struct.error: A required table is missing, or a table occurs
                twice.
        """
        start, end = find_boxes(upload, (0, len(upload)), {b"meta"})[b"meta"]
        parts = find_boxes(upload, (start + 4, end), _REQUIRED | _OPTIONAL)
        return cls(upload, parts | find_boxes(upload, parts[b"iprp"], {b"ipco", b"ipma"}))

    @cached_property
    def main_item(self) -> int:
        """Number of the item that is the main image, which viewers show."""
        start, end = self.parts[b"pitm"]
        return Numbers(self.upload, (start + 4, end)).read(4 if self.upload[start] else 2)

    @cached_property
    def entries(self) -> dict[int, ItemEntry]:
        """Entry of each item, by the number of the item."""
        return unique(item_entries(self.upload, self.parts[b"iinf"]))

    @cached_property
    def references(self) -> dict[tuple[bytes, int], list[int]]:
        """Target items of each reference, by the kind and the source item of the reference."""
        span = self.parts.get(b"iref")
        return unique(item_references(self.upload, span)) if span else {}

    @cached_property
    def properties(self) -> dict[int, list[tuple[bytes, Span]]]:
        """Kind and span of each property of an item, by the number of the item."""
        known = list(boxes(self.upload, self.parts[b"ipco"]))
        numbers = unique(item_properties(self.upload, self.parts[b"ipma"]))
        return {item: [known[n - 1] for n in used if n] for item, used in numbers.items()}

    @cached_property
    def extents(self) -> dict[int, list[Span]]:
        """Spans of the pieces of each item's data, by the number of the item."""
        data = self.parts.get(b"idat")
        return item_extents(self.upload, self.parts[b"iloc"], data[0] if data else None)

    @cached_property
    def tiles_of_image(self) -> dict[int, list[int]]:
        """Item numbers of the tiles of each image: of the main image, and of its opacity.

        The keys are the item numbers of these images. An image without tiles is its own tile.

        Raises:
            ValueError: An image or a tile is not coded in HEVC.
        """
        opacities = [
            source
            for (kind, source), targets in self.references.items()
            if kind == b"auxl" and self.main_item in targets and self._is_opacity(source)
        ]
        return {item: self._tiles(item) for item in (self.main_item, *opacities)}

    def check_transformations(self, item: int) -> None:
        """Raise ValueError if an item has the same transformation more than once."""
        kinds = Counter(kind for kind, _ in self.properties[item] if kind in _TRANSFORMATIONS)
        if any(count > 1 for count in kinds.values()):
            raise ValueError("an image has the same transformation more than once")

    def property(self, item: int, kind: bytes) -> Span:
        """Return the span of the content of an item's only property of this kind."""
        return unique(found for found in self.properties[item] if found[0] == kind)[kind]

    def size(self, item: int) -> Size:
        """Return the width and height that the file announces for an image, in pixels."""
        start, _ = self.property(item, b"ispe")
        width, height = struct.unpack_from(">II", self.upload, start + 4)
        if self.entries[item].kind == GRID:
            # The data of a grid also contains the size. Both sizes must be equal.
            (start, end), *_ = self.extents[item]
            size = 4 if self.upload[start + 1] & 1 else 2
            numbers = Numbers(self.upload, (start + 4, end))
            if (numbers.read(size), numbers.read(size)) != (width, height):
                raise ValueError("the size of the grid differs from its property ispe")
        return width, height

    def _tiles(self, item: int) -> list[int]:
        is_grid = self.entries[item].kind == GRID
        tiles = self.references[b"dimg", item] if is_grid else [item]
        if any(self.entries[tile].kind != CODED for tile in tiles):
            raise ValueError("an image is not coded in HEVC")
        return tiles

    def _is_opacity(self, item: int) -> bool:
        spans = [span for kind, span in self.properties.get(item, ()) if kind == b"auxC"]
        types = [self.upload[start + 4 : end].partition(b"\0")[0] for start, end in spans]
        return any(name.endswith(_OPACITY) for name in types)
