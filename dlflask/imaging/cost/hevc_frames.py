"""Read the real size of the coded images in a HEIC file; the file's header may understate it.

Source: ITU-T H.265, 2024, 7.3.1 to 7.3.3; ISO/IEC 14496-15:2022, 8.3.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
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

#: Kinds of NAL units, of which an HEVC image consists: coded slices, and parameter sets.
_SLICES, _PARAMETERS, _SEQUENCE_PARAMETERS = range(32), (32, 33, 34), 33

#: Offsets in the property `hvcC`: of the number of lists, and of the number of bytes of a NAL
#: unit's size.
_LISTS_AT, _SIZES_AT = 22, 21

#: First bytes of a sequence parameter set, which contain the size of the image.
MAX_PARAMETER_BYTES = 200

#: Values of `chroma_format_idc`: grey only, and 4:2:0.
_HALF_COLOURS = (0, 1)


class Frame(NamedTuple):
    """Size of a coded image in pixels.

    `is_deep` is true if its pixels take more memory than usual: over 8 bits, in full-size colours.
    """

    width: int
    height: int
    is_deep: bool


class HeicCost(NamedTuple):
    """Costs of decoding a HEIC file.

    Attributes:
        pixels: Pixels of the main image or of its opacity, with all tiles, whichever has more.
        is_deep: True if one of them has over 8 bits and colours at full resolution.
        has_opacity: True if the file contains an image of the main image's opacity.
    """

    pixels: int
    is_deep: bool
    has_opacity: bool


def heic_cost(upload: bytes) -> HeicCost:
    """Return the costs of decoding, computed from the parameters of the coded images.

    Raises:
        InvalidFile: The costs are not known before decoding, or the header understates the size,
            or there are too many tiles or bytes.
    """
    with reading_structure():
        items = HeicItems.of(upload)
        _check_data(items)
        costs = [_image_cost(items, item) for item in items.decoded]
    pixels, depths = zip(*costs, strict=True)
    return HeicCost(max(pixels), any(depths), len(costs) > 1)


def _check_data(items: HeicItems) -> None:
    """Raise an error for too many tiles or bytes, and for a tile of more than one frame."""
    tiles = [tile for of_image in items.decoded.values() for tile in of_image]
    if len(tiles) > MAX_HEVC_TILES:
        raise InvalidFile(f"it has {len(tiles):,} tiles; the limit is {MAX_HEVC_TILES:,}")
    spans = []
    for tile in {*tiles, *items.decoded}:
        items.check_transformations(tile)
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
    """Return the number of decoded pixels of an image, and True if the image is deep."""
    width, height = items.size(item)
    places = Counter(items.property(tile, b"hvcC") for tile in items.decoded[item])
    frames = {place: _frame(items.upload[slice(*place)]) for place in places}
    if items.entries[item].kind != GRID:
        (frame,) = frames.values()
        if max(abs(frame.width - width), abs(frame.height - height)) > MAX_FRAME_PADDING:
            raise InvalidFile(
                f"its header says {width} x {height} pixels, its coded image has "
                f"{frame.width} x {frame.height}"
            )
    coded = sum(frame.width * frame.height * places[at] for at, frame in frames.items())
    return max(width * height, coded), any(frame.is_deep for frame in frames.values())


def _frame(configuration: bytes) -> Frame:
    """Return the size in the parameters of a coded image.

    Args:
        configuration: Content of the property `hvcC`.
    """
    frames = [
        _read_parameters(unit)
        for unit in _units_of_configuration(configuration)
        if _kind(unit) == _SEQUENCE_PARAMETERS
    ]
    if configuration[_SIZES_AT] & 3 != 3 or len(frames) != 1:
        raise ValueError(
            f"hvcC has {len(frames)} sequence parameter sets; expected one, and sizes of NAL units "
            "in four bytes"
        )
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
    """Raise an error if coded data contains parameters, or not exactly one frame.

    Args:
        upload: The file.
        span: Place of the data.
        num_units: Number of NAL units in the data that was checked before.

    Returns:
        The number of NAL units including the units of this data.
    """
    position, end = span
    if end > len(upload):
        raise InvalidFile("its end is missing")
    first_slices = 0
    while position < end:
        (size,) = struct.unpack_from(">I", upload, position)
        unit = upload[position + 4 : position + 7]
        if size < len(unit) or _kind(unit) in _PARAMETERS:
            raise ValueError("the coded image contains parameter sets; expected them in hvcC only")
        # The highest bit after the header of two bytes marks the first slice of a frame.
        first_slices += _kind(unit) in _SLICES and unit[2] >> 7
        position += 4 + size
        num_units += 1
        if num_units > MAX_PIECES:
            raise InvalidFile(f"it has more NAL units than the limit of {MAX_PIECES:,}")
    if position != end or first_slices != 1:
        raise ValueError(f"the coded image is cut off or has {first_slices} frames; expected one")
    return num_units


def _kind(unit: bytes) -> int:
    return unit[0] >> 1 & 63


def _read_parameters(unit: bytes) -> Frame:
    """Return the size of a frame from a sequence parameter set."""
    # Encoders insert a byte 3 after two zeros to keep start codes out of the data.
    bits = _Bits(unit[2:MAX_PARAMETER_BYTES].replace(b"\0\0\3", b"\0\0"))
    bits.skip(4)
    layers = bits.read(3)
    bits.skip(1 + 88 + 8)
    has_parts = [(bits.read(1), bits.read(1)) for _ in range(layers)]
    bits.skip(2 * (8 - layers) if layers else 0)
    for has_profile, has_level in has_parts:
        bits.skip(88 * has_profile + 8 * has_level)
    bits.read_exponential()
    colours = bits.read_exponential()
    bits.skip(1 if colours == 3 else 0)
    width, height = bits.read_exponential(), bits.read_exponential()
    if bits.read(1):
        for _ in range(4):
            bits.read_exponential()
    depth = 8 + max(bits.read_exponential(), bits.read_exponential())
    return Frame(width, height, depth > 8 and colours not in _HALF_COLOURS)


class _Bits:
    """Reader of bits, most significant first."""

    def __init__(self, data: bytes) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in data)
        self._position = 0

    def skip(self, count: int) -> None:
        self._position += count

    def read(self, count: int) -> int:
        """Return the next `count` bits, at least 1, as a number."""
        self._position += count
        if self._position > len(self._bits):
            raise ValueError("a sequence parameter set is cut off")
        return int(self._bits[self._position - count : self._position], 2)

    def read_exponential(self) -> int:
        """Return an unsigned Exp-Golomb number (H.265, 9.2)."""
        one = self._bits.index("1", self._position)
        zeros = one - self._position
        self._position = one
        return self.read(zeros + 1) - 1
