"""EXIF orientation: rotate images upright, and map boxes back to the stored image."""

from __future__ import annotations

from PIL import ExifTags, Image

from dlflask.types import ImageBox

#: Pillow's operation that undoes each EXIF orientation. Orientation 1 is upright. Orientations from
#: 5 on swap width and height.
_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of a loaded image, 1 to 8, or 1 if there is none."""
    value = image.getexif().get(ExifTags.Base.Orientation, 1)
    return int(value) if value in _TRANSPOSES else 1


def rotate_upright(image: Image.Image, orientation: int) -> Image.Image:
    """Return `image` rotated upright. If `orientation` is 1, return `image` itself."""
    return image if orientation == 1 else image.transpose(_TRANSPOSES[orientation])


def to_stored_box(box: ImageBox, size: tuple[int, int], orientation: int) -> ImageBox:
    """Map `box` from the upright image to the stored image.

    Args:
        box: Box in the upright image.
        size: Width and height of the stored image, in pixels.
        orientation: EXIF orientation, 1 to 8.
    """
    left, top, right, bottom = box
    width, height = size if orientation < 5 else size[::-1]
    if orientation in (2, 3, 6, 7):
        left, right = width - right, width - left
    if orientation in (3, 4, 7, 8):
        top, bottom = height - bottom, height - top
    if orientation < 5:
        return ImageBox(left, top, right, bottom)
    return ImageBox(top, left, bottom, right)
