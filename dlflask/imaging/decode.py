"""Decode an image file to pixels, within the limits of `decode_limits`.

The format is recognised by content, never by the name of the file. Limits are checked on the
header, before any pixel is decoded. A large JPEG is reduced while it is decoded.
"""

from __future__ import annotations

import math
from contextlib import ExitStack

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dlflask.errors import UnsupportedImage
from dlflask.imaging.cost import check_cost, is_large_once_opened
from dlflask.imaging.cost.large_images import decode_slot
from dlflask.imaging.cost.pieces import CpuTimeLimit, Pieces
from dlflask.imaging.decode_errors import reporting_errors
from dlflask.imaging.decode_limits import BYTES_PER_PIXEL, LARGE_BYTES
from dlflask.imaging.decoded_image import WHOLE, WORKING_SIDE, DecodedImage, Region
from dlflask.imaging.fast_decode import decode_fast
from dlflask.imaging.formats.other_files import name_file
from dlflask.imaging.formats.signatures import FORMATS, find_image
from dlflask.imaging.formats.truncated_jpeg import JpegLayout, complete_jpeg
from dlflask.imaging.metadata import strip_metadata
from dlflask.imaging.metadata.exif import orientation
from dlflask.imaging.pillow_settings import configure_pillow


@reporting_errors
def decode(
    upload: bytes, time_limit: CpuTimeLimit, region: Region = WHOLE, side: int = WORKING_SIDE
) -> DecodedImage:
    """Decode an image so that the longer side of `region` has at least about `side` pixels.

    Raises:
        ImageError: The image is damaged, too large or in a format that is not read here.
        Busy: The image is large, another one is being decoded and a third one waits.
    """
    configure_pillow()
    if region == WHOLE and (decoded := decode_fast(upload, side)):
        return DecodedImage(*decoded)
    found = find_image(upload)
    if found is None:
        kind, advice = name_file(upload)
        raise UnsupportedImage(
            f"The file is {kind}, which is not a supported image format. {advice}Send one of: "
            f"{', '.join(FORMATS)}."
        )
    _, start = found
    return decode_by_pillow(upload[start:] if start else upload, time_limit, region, side)


def decode_by_pillow(
    upload: bytes, time_limit: CpuTimeLimit, region: Region, side: int = WORKING_SIDE
) -> DecodedImage:
    """Decode any image through Pillow's parsers; pass on their exceptions unchanged."""
    format_name, _ = find_image(upload) or ("", 0)
    upload = strip_metadata(upload)
    try:
        return _load(upload, format_name, time_limit, region, side)
    except OSError as error:
        if format_name != "JPEG" or "truncated" not in str(error):
            raise
    # Outside of `except`, because its traceback holds all that was decoded. The search for the end
    # of the data decodes two small copies, and then the JPEG is decoded again.
    time_limit.check(times=4)
    return _load_truncated_jpeg(upload, time_limit, region, side)


def _load(
    upload: bytes, format_name: str, time_limit: CpuTimeLimit, region: Region, side: int
) -> DecodedImage:
    with ExitStack() as stack:
        if is_large := is_large_once_opened(upload):
            stack.enter_context(decode_slot())
        image = stack.enter_context(Image.open(Pieces(upload, time_limit), formats=[format_name]))
        cost = check_cost(image, upload)
        longest = max(image.size)
        _reduce_to(image, region, side)
        cost = max(cost, image.width * image.height * BYTES_PER_PIXEL)
        if not is_large and cost > LARGE_BYTES:
            stack.enter_context(decode_slot())
        # Loading may find the orientation behind the pixels (PNG) or apply it (TIFF).
        image.load()
        return DecodedImage(image, longest, orientation(image), stack.pop_all())


def _reduce_to(image: Image.Image, region: Region, side: int) -> None:
    """Let a JPEG be decoded at 1/2, 1/4 or 1/8 scale, many times faster, if `region` permits it."""
    width, height = region[2] - region[0], region[3] - region[1]
    factor = math.ceil(max(image.width * width, image.height * height) / side)
    if factor > 1:
        image.draft(image.mode, (max(1, image.width // factor), max(1, image.height // factor)))


def _load_truncated_jpeg(
    upload: bytes, time_limit: CpuTimeLimit, region: Region, side: int
) -> DecodedImage:
    """Decode a JPEG whose end is missing; fill the missing rows with the last one."""
    with Image.open(Pieces(upload, time_limit), formats=["JPEG"]) as opened:
        layout = _layout(opened)

    def decode_small(completed: bytes) -> NDArray[np.uint8]:
        with _load(completed, "JPEG", time_limit, WHOLE, WORKING_SIDE) as image:
            return image.pixels()

    completed = complete_jpeg(upload, layout, decode_small)
    decoded = _load(completed.upload, "JPEG", time_limit, region, side)
    if completed.held < 1:
        decoded.repeat_last_row(completed.held)
    return decoded


def _layout(image: Image.Image) -> JpegLayout:
    # Pillow's list of components: number, columns and rows of blocks coded together, table.
    layer = getattr(image, "layer", ())
    columns, rows = (max((one[at] for one in layer), default=1) for at in (1, 2))
    is_grey = len(layer) == 1
    block = (8, 8) if is_grey else (8 * rows, 8 * columns)
    return JpegLayout(image.height, len(layer), block)
