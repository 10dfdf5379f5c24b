"""How EXIF says that a picture is to be turned, and where its parts lay before that."""

from __future__ import annotations

from PIL import ExifTags, Image

#: Left, top, right and bottom in pixels.
Box = tuple[int, int, int, int]

#: What undoes each EXIF orientation.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation(picture: Image.Image) -> int:
    """The EXIF orientation of a loaded picture, 1 to 8; 1 where it says none."""
    value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    return int(value) if value in _TURNS else 1


def turn(picture: Image.Image, orientation: int) -> Image.Image:
    """Turn upright."""
    return picture if orientation == 1 else picture.transpose(_TURNS[orientation])


def before_turn(box: Box, size: tuple[int, int], orientation: int) -> Box:
    """Where `box` of the upright picture lies in the picture as it is stored, of `size`."""
    left, top, right, bottom = box
    width, height = size if orientation < 5 else size[::-1]
    if orientation in (2, 3, 6, 7):
        left, right = width - right, width - left
    if orientation in (3, 4, 7, 8):
        top, bottom = height - bottom, height - top
    return (left, top, right, bottom) if orientation < 5 else (top, left, bottom, right)
