"""TIFF tags from which the cost of decoding is estimated."""

from __future__ import annotations

from PIL import Image

#: Numbers of TIFF tags.
ROWS_PER_STRIP, TILE_WIDTH, TILE_HEIGHT = 278, 322, 323


def decoded_size(image: Image.Image) -> tuple[int, int]:
    """Return the width and height in pixels of the area that is decoded.

    libtiff decodes whole tiles, even if the tiles extend beyond the image.
    """
    width, height = image.size
    if image.format != "TIFF":
        return width, height
    return (
        max(width, integer_tag(image, TILE_WIDTH, 0)),
        max(height, integer_tag(image, TILE_HEIGHT, 0)),
    )


def integer_tag(image: Image.Image, tag: int, default: int) -> int:
    """Return the value of a tag of a TIFF, or `default` if the value is not a whole number."""
    value = getattr(image, "tag_v2", {}).get(tag, default)
    return value if isinstance(value, int) else default
