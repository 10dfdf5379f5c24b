"""EXIF orientation: rotation of images, and coordinates before it."""

from __future__ import annotations

from PIL import ExifTags, Image

from dlflask.types import ImageBox

#: Transposition that undoes each EXIF orientation.
_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation(picture: Image.Image) -> int:
    """Return the EXIF orientation of a loaded image, 1 to 8; 1 if it has none."""
    value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    return int(value) if value in _TRANSPOSES else 1


def rotate_upright(picture: Image.Image, orientation: int) -> Image.Image:
    """Return the image rotated upright."""
    return picture if orientation == 1 else picture.transpose(_TRANSPOSES[orientation])


def to_stored_box(box: ImageBox, size: tuple[int, int], orientation: int) -> ImageBox:
    """Map `box` from upright to stored coordinates, in an image stored with `size`."""
    left, top, right, bottom = box
    width, height = size if orientation < 5 else size[::-1]
    if orientation in (2, 3, 6, 7):
        left, right = width - right, width - left
    if orientation in (3, 4, 7, 8):
        top, bottom = height - bottom, height - top
    if orientation < 5:
        return ImageBox(left, top, right, bottom)
    return ImageBox(top, left, bottom, right)
