"""Images in the parts of a multipart form. A part may lack a file name."""

from __future__ import annotations

from flask import Request
from werkzeug.datastructures import FileStorage

from dlflask.errors import InvalidBase64, MissingUpload
from dlflask.web.json_upload import decode_base64, decode_image
from dlflask.web.multipart_form import PART_NAMES
from dlflask.web.uploads.limits import check_size
from dlflask.web.uploads.raw_body import is_image

#: Number of bytes at the start of a part that are enough to recognise an image, raw or in base64.
_START_BYTES = 512


def find_parts(request: Request) -> list[FileStorage]:
    """Return the parts named `image` or `file` that contain an image.

    A part with a file name always counts as an image. Forms of React Native, and forms written by
    hand, lack file names. A part without a file name therefore counts if its content is an image.
    If there is an image, all other parts are ignored.

    Raises:
        MissingUpload: No part is named `image` or `file`, or all parts with these names contain
            text.
    """
    named = [part for name in PART_NAMES for part in request.files.getlist(name)]
    parts = [part for part in named if part.filename is not None or _holds_image(part)]
    if parts:
        return parts
    if named:
        raise MissingUpload(
            f"The part {named[0].name!r} is the text {named[0].read(40).decode(errors='replace')!r}"
            "; expected a file. With curl, write @ before the name of the file, as in: "
            "curl -F image=@4.jpg"
        )
    # A part without a name has the key None. Omit it.
    names = sorted(name for name in {*request.files, *request.form} if name)
    received = f"has the parts: {', '.join(names)[:200]}" if names else "is empty"
    raise MissingUpload(
        f"The form {received}; expected a file in the part 'image'. Send it as in: "
        "curl -F image=@4.jpg"
    )


def read_part(part: FileStorage, max_bytes: int) -> bytes:
    """Return the image in a part.

    Raises:
        MissingUpload: The part is empty and has an empty file name. A browser sends such a part if
            a person did not choose a file.
        EmptyUpload: The image has 0 bytes.
        UploadTooLarge: The image has more than `max_bytes` bytes.
        InvalidBase64: The part is an invalid `data:` URL or invalid base64.
    """
    upload: bytes = part.read()
    if not upload and not part.filename:
        raise MissingUpload("No picture was chosen. Choose a picture, then send the form.")
    if part.filename is None and not is_image(upload):
        return decode_image(upload.decode(errors="replace"), max_bytes)
    check_size(len(upload), max_bytes)
    return upload


def _holds_image(part: FileStorage) -> bool:
    """Return True if a part contains an image, base64 of an image, or a `data:` URL.

    JavaScript's `canvas.toDataURL()` returns a `data:` URL.
    """
    start = part.read(_START_BYTES)
    part.seek(0)
    if is_image(start):
        return True
    text = "".join(start.decode("ascii", errors="replace").split())
    if text[:5].lower() == "data:":
        return True
    whole_groups = text[: len(text) // 4 * 4]  # four characters encode three bytes
    try:
        return is_image(decode_base64(whole_groups))
    except InvalidBase64:
        return False
