"""Remove metadata that decoding does not need, before Pillow parses the file.

Pillow reads all that a format allows, much of it in Python: thousands of Exif segments, compressed
texts or strips take seconds and hundreds of megabytes. Pixels, palette, transparency and
orientation are kept. A truncated file passes unchanged, so that Pillow reports where it ends.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from dlflask.imaging.metadata.gif import strip_gif
from dlflask.imaging.metadata.iso_media import strip_iso_media
from dlflask.imaging.metadata.jpeg import strip_jpeg
from dlflask.imaging.metadata.png import strip_png
from dlflask.imaging.metadata.tiff import strip_tiff
from dlflask.imaging.metadata.webp import strip_webp

_STRIPPERS: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x89PNG": strip_png,
    b"\xff\xd8": strip_jpeg,
    b"GIF8": strip_gif,
    b"II": strip_tiff,
    b"MM": strip_tiff,
    b"RIFF": strip_webp,
}


def strip_metadata(upload: bytes) -> bytes:
    """Return the file without the metadata that decoding does not need.

    Args:
        upload: An image of any format that the service reads.

    Raises:
        ValueError: It has more chunks, segments, blocks or strips than `decode_limits` allow.
    """
    strip: Callable[[bytes], bytes] = strip_iso_media if upload[4:8] == b"ftyp" else _unchanged
    for signature, of_format in _STRIPPERS.items():
        if upload.startswith(signature):
            strip = of_format
    try:
        return strip(upload)
    except (IndexError, struct.error):
        return upload  # Truncated: Pillow reports where.


def _unchanged(upload: bytes) -> bytes:
    """Return a BMP as it is: a header, a palette and pixels."""
    return upload
