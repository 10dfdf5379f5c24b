"""Images in the parts of a multipart form, with or without a file name."""

from __future__ import annotations

from flask import Request
from werkzeug.datastructures import FileStorage

from dlflask.errors import InvalidBase64, MissingUpload
from dlflask.web.json_upload import decode_base64, decode_image
from dlflask.web.multipart_form import PART_NAMES
from dlflask.web.uploads.limits import check_size
from dlflask.web.uploads.raw_body import is_image

#: First characters of base64 that are decoded to recognise the image format; a multiple of 4.
_BASE64_START = 512


def find_parts(request: Request) -> list[FileStorage]:
    """Return the parts that contain an image; raise an error without any.

    A part without a file name counts if its content is an image: React Native and forms that were
    written by hand leave the name out. If there is a file, parts with text are other fields of the
    client.

    Raises:
        MissingUpload: No part is named `image` or `file`, or these parts contain text.
    """
    named = [part for name in PART_NAMES for part in request.files.getlist(name)]
    parts = [part for part in named if part.filename is not None or _holds_image(part)]
    if parts:
        return parts
    if named:
        raise MissingUpload(
            f"The part {named[0].name!r} is the text {named[0].read(40).decode(errors='replace')!r}"
            "; expected a file. With curl, write @ before its name, as in: curl -F image=@4.jpg"
        )
    # The key of a part without a name is None.
    names = sorted(name for name in {*request.files, *request.form} if name)
    received = f"has the parts: {', '.join(names)[:200]}" if names else "is empty"
    raise MissingUpload(
        f"The form {received}; expected a file in the part 'image'. Send it as in: "
        "curl -F image=@4.jpg"
    )


def read_part(part: FileStorage, max_bytes: int) -> bytes:
    """Return the image in a part.

    Raises:
        MissingUpload: The part is empty and lacks a file name: a person did not choose a file.
        EmptyUpload: The file has 0 bytes.
        UploadTooLarge: The image has more than `max_bytes`.
        InvalidBase64: The part is a `data:` URL or base64, and is invalid.
    """
    upload: bytes = part.read()
    if not upload and not part.filename:
        raise MissingUpload("No picture was chosen. Choose a picture, then send the form.")
    if part.filename is None and not is_image(upload):
        return decode_image(upload.decode(errors="replace"), max_bytes)
    check_size(len(upload), max_bytes)
    return upload


def _holds_image(part: FileStorage) -> bool:
    """Return True if a part contains an image, or an image as text from `canvas.toDataURL()`."""
    start = part.read(_BASE64_START)
    part.seek(0)
    if is_image(start):
        return True
    text = "".join(start.decode("ascii", errors="replace").split())
    if text[:5].lower() == "data:":
        return True
    try:
        return is_image(decode_base64(text[: len(text) // 4 * 4]))
    except InvalidBase64:
        return False
