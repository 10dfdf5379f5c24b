"""A plain `POST /predictlabel` in, its answer out, past Flask.

Flask and Werkzeug route a request, parse it and make its answer in some six hundred calls of
Python: a quarter of the CPU time of a small picture. A form that holds one picture, as curl,
browsers and clients' libraries send it, or a picture as the body, needs little of that. Anything
else goes on to Flask, and so does every fault: what is answered here, Flask would answer the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any

from dlflask.recogniser import Recogniser
from dlflask.web.middleware.environ import ERROR, ROUTE
from dlflask.web.state import State
from dlflask.web.uploads import PART_NAMES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/predictlabel"

#: Python makes no number of some thousand digits, and no picture has so many bytes.
_MAX_LENGTH_DIGITS = 12

#: Boundaries of these characters are written without quotes.
_FORM = re.compile(r"multipart/form-data; ?boundary=([0-9A-Za-z'+_.-]{1,70})")

#: The headers of the one part, in the order in which all clients write them.
_PART = re.compile(
    rb'Content-Disposition: form-data; name="(?:%s)"; filename="[^"\\\x00-\x1f\x7f]+"'
    rb"(?:\r\nContent-Type: [\x20-\x7e]+)?" % "|".join(PART_NAMES).encode()
)

#: In which they end; a part that has more of them is not so plain.
_MAX_PART_HEAD = 1_000


def with_fast_path(
    application: WSGIApplication, state: State, recogniser: Recogniser[Any]
) -> WSGIApplication:
    """Wrap `application` so that simple requests bypass it.

    Args:
        application: Flask's; it renders an exception stored as `ERROR` in the environ.
        state: State of the application.
        recogniser: Reads the images.
    """
    limit = state.config.max_upload_bytes

    def fast(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        result = None
        try:
            upload = extract_upload(environ, limit)
            if upload is not None:
                result = state.read(recogniser, upload, environ)
        except Exception as error:  # noqa: BLE001  Flask's handlers render it, whatever it is
            environ[ERROR] = error
        if result is None:
            return application(environ, start_response)
        environ[ROUTE] = PATH
        body = f"{recogniser.encode(result, details=False)}\n".encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response("200 OK", headers)
        return [body]

    return fast


def extract_upload(environ: WSGIEnvironment, max_bytes: int) -> bytes | None:
    """The picture that a plain request carries.

    Returns:
        1 to `max_bytes` bytes; None where the request is another, which can then be read from
        `environ` as if nobody had.
    """
    length = environ.get("CONTENT_LENGTH", "")
    if (
        environ["PATH_INFO"] != PATH
        or environ["REQUEST_METHOD"] != "POST"
        or environ.get("QUERY_STRING")
        or not (length.isascii() and length.isdigit() and len(length) <= _MAX_LENGTH_DIGITS)
        or not 0 < int(length) <= max_bytes
    ):
        return None
    kind = environ.get("CONTENT_TYPE", "")
    form = _FORM.fullmatch(kind)
    if form is None and not kind.startswith("image/"):
        return None
    body = environ["wsgi.input"].read(int(length))
    upload = body if form is None else _only_part(body, form[1].encode())
    if upload is None or len(body) != int(length):
        environ["wsgi.input"] = BytesIO(body)
        return None
    return upload


def _only_part(body: bytes, boundary: bytes) -> bytes | None:
    """The content of a form's only part, where that is a picture; None where it is not so.

    Source: RFC 7578, 4, and RFC 2046, 5.1.1.
    """
    start = len(boundary) + 4
    head_end = body.find(b"\r\n\r\n", start, start + _MAX_PART_HEAD)
    if head_end < 0 or not body.startswith(b"--%b\r\n" % boundary):
        return None
    end = body.find(b"\r\n--%b" % boundary, head_end + 4)
    # What is found first is the last: there is no other part, and nothing behind it.
    is_last = end >= 0 and body[end + start :] in (b"--\r\n", b"--")
    if not is_last or end == head_end + 4 or not _PART.fullmatch(body, start, head_end):
        return None
    return body[head_end + 4 : end]
