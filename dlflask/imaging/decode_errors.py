"""Convert Pillow's exceptions to errors for the user."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from PIL import Image, UnidentifiedImageError

from dlflask.errors import DamagedImage, ImageError, TooComplex
from dlflask.imaging.cost import too_many_pixels
from dlflask.imaging.formats.invalid_file import InvalidFile

#: Exceptions that Pillow's parsers raise if the bytes of a file do not match its header.
_DECODE_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    SyntaxError,
    EOFError,
    AttributeError,
    AssertionError,
    RuntimeError,
    LookupError,
    ArithmeticError,
    struct.error,
    zlib.error,
)

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def reporting_errors(
    work: Callable[_Parameters, _Result],
) -> Callable[_Parameters, _Result]:
    """Decorate a function so that Pillow's exceptions become an `ImageError`."""

    @wraps(work)
    def reporting(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        try:
            return work(*args, **kwargs)
        except MemoryError:
            error: ImageError | None = None
        except Image.DecompressionBombError as bomb:
            error = too_many_pixels(bomb)
        except _DECODE_ERRORS as cause:
            error = DamagedImage(
                f"The image is cut off or damaged ({_reason(cause)}). "
                "Open it in an image viewer, save it again and send the new file."
            )
        # Raise outside of `except`, because the cause's traceback keeps the decoded pixels in
        # memory.
        raise error or TooComplex(
            "The image takes more memory to decode than the service has. Open it in an image "
            "editor, save it as a smaller PNG or JPEG and send the new file."
        )

    return reporting


def _reason(cause: Exception) -> str:
    """Return the reason why an image cannot be decoded, in words that a user understands.

    Only messages of `InvalidFile` are shown to the user, because the messages of Pillow and Python
    name objects, addresses and types.
    """
    if isinstance(cause, InvalidFile):
        return str(cause)
    if isinstance(cause, UnidentifiedImageError):
        return "its header is invalid"
    if isinstance(cause, EOFError) or "truncated" in str(cause).lower():
        return "its end is missing"
    return "its data is invalid"
