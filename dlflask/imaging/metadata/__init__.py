"""Remove metadata that decoding does not need, before Pillow parses the file.

Pillow reads everything that a format allows, and much of Pillow is written in Python. Thousands of
Exif segments, compressed texts or strips take seconds and hundreds of megabytes. This package keeps
pixels, palette, transparency and orientation. A truncated file stays unchanged.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from dlflask.imaging.formats.signatures import find_image
from dlflask.imaging.metadata.gif import strip_gif
from dlflask.imaging.metadata.heic import strip_heic
from dlflask.imaging.metadata.iso_media import strip_iso_media
from dlflask.imaging.metadata.jpeg import strip_jpeg
from dlflask.imaging.metadata.png import strip_png
from dlflask.imaging.metadata.tiff import strip_tiff
from dlflask.imaging.metadata.webp import strip_webp

_STRIPPERS: dict[str, Callable[[bytes], bytes]] = {
    "PNG": strip_png,
    "JPEG": strip_jpeg,
    "GIF": strip_gif,
    "TIFF": strip_tiff,
    "WEBP": strip_webp,
    "AVIF": strip_iso_media,
    "HEIF": lambda upload: strip_heic(strip_iso_media(upload)),
}


def strip_metadata(upload: bytes) -> bytes:
    """Return the file without the metadata that decoding does not need.

    Args:
        upload: An image of any format that the service reads.

    Raises:
        ValueError: The file has more chunks, segments, blocks or strips than `decode_limits` allow.
    """
    format_name, _ = find_image(upload) or ("", 0)
    # A BMP does not contain metadata.
    strip = _STRIPPERS.get(format_name)
    try:
        return strip(upload) if strip else upload
    except (IndexError, struct.error):
        return upload  # The file is truncated. Pillow reports this later.
