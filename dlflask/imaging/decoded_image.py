"""Decoded image, from which parts can be cut out at the resolution that the recogniser needs."""

from __future__ import annotations

import math
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dlflask.imaging.color_modes import to_plain_mode, to_planes
from dlflask.imaging.decode_errors import reporting_errors
from dlflask.imaging.metadata.exif import rotate_upright, to_stored_box
from dlflask.types import ImageBox, Pixels

#: Maximum height and width in pixels to which an image is reduced before its ink is extracted. A
#: digit whose height is a tenth of the image's is then still 25 pixels high. The network needs
#: digits that are 20 pixels high.
WORKING_SIDE = 256

#: Left, top, right and bottom edge, as parts (0..1) of the upright image's width and height.
Region = tuple[float, float, float, float]
WHOLE: Region = (0.0, 0.0, 1.0, 1.0)


class DecodedImage:
    """Decoded image, held in memory until it is closed.

    Attributes:
        longer_side: Length of the longer side of the image in the file, in pixels.
        is_full_scale: True unless the image was reduced while it was decoded.
    """

    def __init__(
        self,
        image: Image.Image,
        longer_side: int,
        orientation: int = 1,
        resources: ExitStack | None = None,
    ) -> None:
        self._image, self._orientation, self._resources = image, orientation, resources
        self.longer_side = longer_side
        self.is_full_scale = max(image.size) == longer_side

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._resources:
            # Until the image is closed, Pillow's WebP decoder keeps copies of the pixels.
            self._image.close()
            self._resources.close()
        del self._image

    @property
    def upright_size(self) -> tuple[float, float]:
        """Width and height, in pixels, of the image in the file after its rotation to upright."""
        scale = self.longer_side / max(self._image.size)
        width, height = self._image.size if self._orientation < 5 else self._image.size[::-1]
        return width * scale, height * scale

    def pixels(self) -> NDArray[np.uint8]:
        """Return all pixels as they are stored: (height, width) or (height, width, channels)."""
        return np.asarray(self._image)

    def repeat_last_row(self, row_share: float) -> None:
        """Fill the rows that the file lacks with copies of the last row that the file contains.

        Args:
            row_share: Part of the stored image's rows that the file contains, 0..1, from the top.
        """
        width, height = self._image.size
        top = max(1, math.floor(row_share * height))
        row = self._image.crop((0, top - 1, width, top))
        self._image.paste(row.resize((width, height - top)), (0, top))

    @reporting_errors
    def cut(self, region: Region = WHOLE, side: int = WORKING_SIDE) -> Pixels:
        """Return the pixels of `region`, rotated upright and at most `side` pixels wide and high.

        Returns:
            (height, width) uint8 if all pixels are grey, otherwise (3, height, width) uint8.
        """
        box = _box(region, self._image.size, self._orientation, side)
        plain = to_plain_mode(self._image, box, side)
        return to_planes(rotate_upright(plain, self._orientation))


def _box(region: Region, size: tuple[int, int], orientation: int, side: int) -> ImageBox:
    """Map `region` of the upright image to pixels of the image as it is stored."""
    if region == WHOLE:
        return ImageBox(0, 0, *size)
    sides = (size if orientation < 5 else size[::-1]) * 2
    left, top, right, bottom = (
        round(part * length) for part, length in zip(region, sides, strict=True)
    )
    if orientation > 1:
        # Make the width and height of the region multiples of `factor`. The image is reduced before
        # it is rotated, so an incomplete block of pixels would be at another edge than in an image
        # that is stored upright.
        factor = -(-max(right - left, bottom - top) // side)
        right -= (right - left) % factor
        bottom -= (bottom - top) % factor
    return to_stored_box(ImageBox(left, top, right, bottom), size, orientation)
