"""Decode an image file to pixels, within the limits of `decode_limits`.

The format is recognised by the content of the file, not by the file name. The limits are checked
after the header is read, before any pixel is decoded. A large JPEG is reduced while it is decoded.
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
from dlflask.imaging.cost.limited_file import CpuTimeLimit, LimitedFile
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
    """Decode an image from which `region` can be cut out.

    If a JPEG is reduced while it is decoded, the longer side of `region` still has at least about
    `side` pixels.

    Raises:
        ImageError: The image is damaged, too large or in an unsupported format.
        Busy: The image is large, another large image is being decoded, and a third is waiting.
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
    """Decode an image of any supported format by Pillow, and let Pillow's exceptions pass."""
    format_name, _ = find_image(upload) or ("", 0)
    upload = strip_metadata(upload)
    try:
        return _load(upload, format_name, time_limit, region, side)
    except OSError as error:
        if format_name != "JPEG" or "truncated" not in str(error):
            raise
    # Continue outside of `except`, because the exception's traceback keeps the decoded pixels in
    # memory. `_load_truncated_jpeg` decodes the image three times more: twice to find the end of
    # the data, and once as a completed JPEG. Together with the first time, these are four.
    time_limit.check(times=4)
    return _load_truncated_jpeg(upload, time_limit, region, side)


def _load(
    upload: bytes, format_name: str, time_limit: CpuTimeLimit, region: Region, side: int
) -> DecodedImage:
    with ExitStack() as stack:
        if is_large := is_large_once_opened(upload):
            stack.enter_context(decode_slot())
        image = stack.enter_context(
            Image.open(LimitedFile(upload, time_limit), formats=[format_name])
        )
        cost = check_cost(image, upload)
        longer_side = max(image.size)
        _reduce_to(image, region, side)
        cost = max(cost, image.width * image.height * BYTES_PER_PIXEL)
        if not is_large and cost > LARGE_BYTES:
            stack.enter_context(decode_slot())
        # Load before the orientation is read, because a PNG may store the orientation after the
        # pixels, and Pillow rotates a TIFF while it loads the TIFF.
        image.load()
        return DecodedImage(image, longer_side, orientation(image), stack.pop_all())


def _reduce_to(image: Image.Image, region: Region, side: int) -> None:
    """Let Pillow decode a JPEG at 1/2, 1/4 or 1/8 scale, which is many times faster.

    The longer side of `region` still has at least about `side` pixels.
    """
    width, height = region[2] - region[0], region[3] - region[1]
    factor = math.ceil(max(image.width * width, image.height * height) / side)
    if factor > 1:
        image.draft(image.mode, (max(1, image.width // factor), max(1, image.height // factor)))


def _load_truncated_jpeg(
    upload: bytes, time_limit: CpuTimeLimit, region: Region, side: int
) -> DecodedImage:
    """Decode a JPEG whose end is missing, and fill the missing rows with copies of the last row."""
    with Image.open(LimitedFile(upload, time_limit), formats=["JPEG"]) as opened:
        layout = _layout(opened)

    def decode_small(completed: bytes) -> NDArray[np.uint8]:
        with _load(completed, "JPEG", time_limit, WHOLE, WORKING_SIDE) as image:
            return image.pixels()

    completed = complete_jpeg(upload, layout, decode_small)
    decoded = _load(completed.upload, "JPEG", time_limit, region, side)
    if completed.row_share < 1:
        decoded.repeat_last_row(completed.row_share)
    return decoded


def _layout(image: Image.Image) -> JpegLayout:
    # Pillow's `layer` has a tuple of four numbers for each colour component: its identifier, how
    # many columns and how many rows of blocks are coded together, and the number of its table.
    components = getattr(image, "layer", ())
    columns, rows = (max((each[at] for each in components), default=1) for at in (1, 2))
    is_grey = len(components) == 1
    block = (8, 8) if is_grey else (8 * rows, 8 * columns)
    return JpegLayout(image.height, len(components), block)
