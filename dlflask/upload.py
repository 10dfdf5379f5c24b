"""A Flask request in, the bytes of the one picture it carries out."""

from __future__ import annotations

from io import BytesIO
from typing import IO

from flask import Request
from werkzeug.exceptions import UnsupportedMediaType

from dlflask.errors import EmptyUpload, MissingUpload, TooManyUploads, UploadTooLarge

#: Form parts that may hold the picture; clients of the original service send the first.
PART_NAMES = ("image", "file")


class UploadRequest(Request):
    """A request whose uploads stay in memory: Werkzeug would spool larger ones to a file."""

    def _get_file_stream(self, *_: object, **__: object) -> IO[bytes]:
        return BytesIO()


def read_upload(request: Request, max_bytes: int) -> bytes:
    """The picture in a multipart form, or the whole body where its type is `image/*`.

    Raises:
        MissingUpload: No part is named `image` or `file`, or no file was chosen in the form.
        TooManyUploads: More than one part holds a picture.
        EmptyUpload: The picture has 0 bytes.
        UploadTooLarge: The picture has more than `max_bytes`.
        UnsupportedMediaType: The body is neither a multipart form nor a picture.
    """
    if request.mimetype == "multipart/form-data":
        upload = _read_part(request)
    elif request.mimetype.startswith("image/"):
        upload = request.get_data(cache=False)
    elif not request.mimetype and not request.content_length:
        raise MissingUpload(
            "The request has no body. Send the picture as the part 'image' of a multipart form, "
            "as in: curl -F image=@4.jpg"
        )
    else:
        raise UnsupportedMediaType(
            f"The request is of type {request.mimetype or 'unknown'}. Send the picture as the "
            "part 'image' of a multipart form, as in: curl -F image=@4.jpg"
        )
    if not upload:
        raise EmptyUpload("The picture has 0 bytes. Choose a file that holds a picture.")
    if len(upload) > max_bytes:
        raise UploadTooLarge(
            f"The picture is {len(upload) / 1e6:.1f} MB; the limit is {max_bytes / 1e6:.1f} MB. "
            "Send a smaller picture."
        )
    return upload


def _read_part(request: Request) -> bytes:
    parts = [part for name in PART_NAMES for part in request.files.getlist(name)]
    if len(parts) > 1:
        raise TooManyUploads(
            f"The form holds {len(parts)} pictures; one is read at a time. Send one per request."
        )
    if not parts:
        names = sorted({*request.files, *request.form})
        came = f"has the parts: {', '.join(names)[:200]}" if names else "has no parts"
        raise MissingUpload(
            f"The form {came}. Send the picture as a file in the part 'image', "
            "as in: curl -F image=@4.jpg"
        )
    upload: bytes = parts[0].read()
    if not upload and not parts[0].filename:
        raise MissingUpload("No picture was chosen. Choose a picture, then send the form.")
    return upload
