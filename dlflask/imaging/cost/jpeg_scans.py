"""Count the scans (passes over all pixels) of a JPEG.

Source: ITU-T T.81, 1992, section B.2.3.
"""

from __future__ import annotations

import re

from PIL import Image

from dlflask.imaging.cost.tiff_tags import ROWS_PER_STRIP, TILE_HEIGHT, integer_tag
from dlflask.imaging.metadata.jpeg import first_scan

#: Header of a scan with 1 to 4 colour components: marker, length, and number of components.
_SCAN = re.compile(rb"\xff\xda\x00(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")

#: Pillow's names for JPEG compression in a TIFF.
_TIFF_JPEG = ("jpeg", "tiff_jpeg")


def count_scans(image: Image.Image, upload: bytes) -> int:
    """Return the number of scans that the decoder reads, or 0 for a format without scans.

    libjpeg decodes all scans if the first scan lacks a component, or if the JPEG is progressive
    (later scans add detail). Otherwise libjpeg stops after the first scan.
    """
    if image.format == "TIFF":
        # Each strip or tile has one or more scans.
        return len(_SCAN.findall(upload)) if image.info.get("compression") in _TIFF_JPEG else 0
    if image.format not in ("JPEG", "MPO"):
        return 0
    start = first_scan(upload)
    components = upload[start + 4] if start + 4 < len(upload) else 0
    if components >= getattr(image, "layers", 1) and not image.info.get("progressive"):
        return 1
    return max(2, len(_SCAN.findall(upload, start)))


def rows_of_scan(image: Image.Image, height: int) -> int:
    """Return the number of rows that one scan covers: in a TIFF, the rows of one strip or tile."""
    if image.format != "TIFF":
        return height
    rows = integer_tag(image, TILE_HEIGHT, integer_tag(image, ROWS_PER_STRIP, height))
    return max(1, min(height, rows))
