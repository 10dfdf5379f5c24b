"""Read the size of the coded images in a HEIC, because the file's header may say a smaller size.

Source: ITU-T H.265, 2024, sections 7.3.1 to 7.3.3; ISO/IEC 14496-15:2022, section 8.3.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from dlflask.imaging.decode_limits import (
    MAX_FRAME_PADDING,
    MAX_HEVC_BYTES,
    MAX_HEVC_TILES,
    MAX_PIECES,
)
from dlflask.imaging.formats.invalid_file import InvalidFile
from dlflask.imaging.iso_media.boxes import Span
from dlflask.imaging.iso_media.heic import GRID, HeicItems, reading_structure

#: An HEVC image consists of NAL units. Kinds of NAL units: coded slices (parts of a frame), all
#: parameter sets, and the sequence parameter set, which contains the size of the frame.
_SLICES, _PARAMETERS, _SEQUENCE_PARAMETERS = range(32), (32, 33, 34), 33

#: The property `hvcC` of an item contains the parameter sets. Positions of two bytes in it: the
#: number of lists of NAL units, and the number of bytes in which a NAL unit's size is stored.
_LISTS_AT, _SIZES_AT = 22, 21

#: Number of bytes of a sequence parameter set that are read, enough for the size of the frame.
MAX_PARAMETER_BYTES = 200

#: Values of `chroma_format_idc` for grey images, and for colours at half resolution (4:2:0).
_HALF_COLOURS = (0, 1)


class Frame(NamedTuple):
    """Size of a coded image.

    Attributes:
        width: Width in pixels.
        height: Height in pixels.
        is_deep: True if a pixel takes more memory than usual, because the image has more than 8
            bits per channel and colours at more than half resolution.
    """

    width: int
    height: int
    is_deep: bool


class HeicCost(NamedTuple):
    """Costs of decoding a HEIC file.

    Attributes:
        pixels: Number of pixels of all tiles of the main image, or of all tiles of its opacity if
            that number is larger.
        is_deep: True if a frame of the main image or of its opacity is deep (see `Frame`).
        has_opacity: True if the file contains an image of opacity for the main image.
    """

    pixels: int
    is_deep: bool
    has_opacity: bool


def heic_cost(upload: bytes) -> HeicCost:
    """Return the costs of decoding, computed from the parameter sets of the coded images.

    Raises:
        InvalidFile: The costs cannot be known before decoding, the size in the header differs from
            the size of the coded image, or the image has too many tiles or bytes.
    """
    with reading_structure():
        items = HeicItems.of(upload)
        _check_data(items)
        costs = [_image_cost(items, item) for item in items.tiles_of_image]
    pixels, depths = zip(*costs, strict=True)
    return HeicCost(max(pixels), any(depths), len(costs) > 1)


def _check_data(items: HeicItems) -> None:
    """Raise an error if there are too many tiles or bytes, or if a tile is not one frame."""
    tiles = list(chain.from_iterable(items.tiles_of_image.values()))
    if len(tiles) > MAX_HEVC_TILES:
        raise InvalidFile(f"it has {len(tiles):,} tiles; the limit is {MAX_HEVC_TILES:,}")
    for item in {*tiles, *items.tiles_of_image}:
        items.check_transformations(item)
    spans = []
    for tile in tiles:
        (span,) = items.extents[tile]
        spans.append(span)
    length = sum(end - start for start, end in spans)
    if length > MAX_HEVC_BYTES:
        raise InvalidFile(f"its tiles have {length:,} bytes; the limit is {MAX_HEVC_BYTES:,}")
    num_units = 0
    for span in set(spans):
        num_units = _check_single_frame(items.upload, span, num_units)


def _image_cost(items: HeicItems, item: int) -> tuple[int, bool]:
    """Return the number of decoded pixels of an image, and True if one of its frames is deep."""
    width, height = items.size(item)
    # Several tiles may share the span of one property `hvcC`, so count the tiles of each span.
    tiles = Counter(items.property(tile, b"hvcC") for tile in items.tiles_of_image[item])
    frames = {span: _frame(items.upload[slice(*span)]) for span in tiles}
    if items.entries[item].kind != GRID:
        (frame,) = frames.values()
        if max(abs(frame.width - width), abs(frame.height - height)) > MAX_FRAME_PADDING:
            raise InvalidFile(
                f"its header says {width} x {height} pixels, but its coded image has "
                f"{frame.width} x {frame.height}"
            )
    coded = sum(frame.width * frame.height * tiles[span] for span, frame in frames.items())
    return max(width * height, coded), any(frame.is_deep for frame in frames.values())


def _frame(configuration: bytes) -> Frame:
    """Return the size of a coded image from its parameter sets.

    Args:
        configuration: Content of the property `hvcC`.
    """
    frames = [
        _read_parameters(unit)
        for unit in _units_of_configuration(configuration)
        if _kind(unit) == _SEQUENCE_PARAMETERS
    ]
    if configuration[_SIZES_AT] & 3 != 3:
        raise ValueError("the sizes of the NAL units have fewer than four bytes; expected four")
    if len(frames) != 1:
        raise ValueError(f"hvcC has {len(frames)} sequence parameter sets; expected one")
    return frames[0]


def _units_of_configuration(configuration: bytes) -> Iterator[bytes]:
    position = _LISTS_AT + 1
    for _ in range(configuration[_LISTS_AT]):
        (count,) = struct.unpack_from(">H", configuration, position + 1)
        position += 3
        for _ in range(count):
            (size,) = struct.unpack_from(">H", configuration, position)
            yield configuration[position + 2 : position + 2 + size]
            position += 2 + size
            if position > len(configuration):
                raise ValueError("a parameter set in hvcC is cut off")


def _check_single_frame(upload: bytes, span: Span, num_units: int) -> int:
    """Check that the coded data of a tile is exactly one frame without parameter sets.

    Args:
        upload: The file.
        span: Position and end of the data in the file.
        num_units: Number of NAL units in all data that was checked before.

    Returns:
        `num_units` plus the number of NAL units in this data.

    Raises:
        ValueError, LookupError, struct.error: The data is cut off, contains parameter sets, or
            does not contain exactly one frame.
        InvalidFile: The end of the file is missing, or the NAL units are too many.
    """
    position, end = span
    if end > len(upload):
        raise InvalidFile("its end is missing")
    first_slices = 0
    while position < end:
        (size,) = struct.unpack_from(">I", upload, position)
        unit = upload[position + 4 : position + 7]
        if size < len(unit):
            raise ValueError(f"a NAL unit has {size} bytes; expected at least {len(unit)}")
        if _kind(unit) in _PARAMETERS:
            raise ValueError("the coded image contains parameter sets; expected them only in hvcC")
        # A NAL unit has a header of two bytes. The next bit marks the first slice of a frame.
        first_slices += _kind(unit) in _SLICES and unit[2] >> 7
        position += 4 + size
        num_units += 1
        if num_units > MAX_PIECES:
            raise InvalidFile(f"it has more NAL units than the limit of {MAX_PIECES:,}")
    if position != end:
        raise ValueError("the coded image is cut off")
    if first_slices != 1:
        raise ValueError(f"the coded image has {first_slices} frames; expected one")
    return num_units


def _kind(unit: bytes) -> int:
    return unit[0] >> 1 & 63


def _read_parameters(unit: bytes) -> Frame:
    """Return the size of a frame from a sequence parameter set."""
    # Encoders insert a byte of value 3 after two zero bytes, so that decoders do not mistake the
    # data for a start code. Remove the inserted bytes.
    bits = _Bits(unit[2:MAX_PARAMETER_BYTES].replace(b"\0\0\3", b"\0\0"))
    bits.skip(4)  # number of the video parameter set
    layers = bits.read(3)
    bits.skip(1 + 88 + 8)  # flag of nesting, profile, level
    layer_flags = [(bits.read(1), bits.read(1)) for _ in range(layers)]
    bits.skip(2 * (8 - layers) if layers else 0)  # padding
    for has_profile, has_level in layer_flags:
        bits.skip(88 * has_profile + 8 * has_level)
    bits.read_exponential()  # number of this parameter set
    colours = bits.read_exponential()
    bits.skip(1 if colours == 3 else 0)  # flag of separate colour planes
    width, height = bits.read_exponential(), bits.read_exponential()
    if bits.read(1):  # The image is cropped at its four sides.
        for _ in range(4):
            bits.read_exponential()
    depth = 8 + max(bits.read_exponential(), bits.read_exponential())
    return Frame(width, height, depth > 8 and colours not in _HALF_COLOURS)


class _Bits:
    """Reader of bits, the most significant bit of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in data)
        self._position = 0

    def skip(self, count: int) -> None:
        self._position += count

    def read(self, count: int) -> int:
        """Return the next `count` bits, at least one bit, as a number."""
        self._position += count
        if self._position > len(self._bits):
            raise ValueError("a sequence parameter set is cut off")
        return int(self._bits[self._position - count : self._position], 2)

    def read_exponential(self) -> int:
        """Return an unsigned Exp-Golomb number (H.265, section 9.2)."""
        one = self._bits.index("1", self._position)
        zeros = one - self._position
        self._position = one
        return self.read(zeros + 1) - 1
