"""Requests that the service rejects, each with the status and a part of the detail of its error."""

import io
import struct
import zlib
from dataclasses import dataclass, field

from PIL import Image
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

from tests.conftest import encode
from tests.drawing import draw_digit


@dataclass(frozen=True)
class BadRequest:
    """A request to `/predictlabel` and the expected error."""

    name: str
    status: int
    #: Part of the detail, which distinguishes the error from the others.
    message: str
    parts: list = field(default_factory=list)
    body: bytes | None = None
    content_type: str | None = None
    method: str = "POST"
    path: str = "/predictlabel"


def png_header(width, height):
    """Return a PNG with a header of this size and without pixels."""
    content = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + content + struct.pack(">I", zlib.crc32(content))
    end = b"\0\0\0\0IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + chunk + end


def flip_middle(data):
    """Return `data` with 40 inverted bytes in the middle."""
    middle = len(data) // 2
    return data[:middle] + bytes(255 - b for b in data[middle : middle + 40]) + data[middle + 40 :]


_PNG = encode(draw_digit(4))
_JPEG = encode(draw_digit(4), "JPEG")
_GIF = encode(draw_digit(4), "GIF")
_WEBP = encode(draw_digit(4), "WEBP")
_WHITE = Image.new("RGB", (100, 100), "white")
MULTIPART = "multipart/form-data; boundary=x"


def _picture(content, name="picture.png", part="image"):
    return [(part, name, content)]


def _json(name, status, message, body):
    return BadRequest(name, status, message, body=body, content_type="application/json")


BAD_REQUESTS = [
    BadRequest("no-body", 400, "body is empty"),
    BadRequest("no-part", 400, "form is empty", body=b"--x--\r\n", content_type=MULTIPART),
    BadRequest("part-of-another-name", 400, "photo", _picture(_PNG, part="photo")),
    BadRequest("no-file-chosen", 400, "No picture was chosen", _picture(b"", "")),
    BadRequest("empty-file", 400, "0 bytes", _picture(b"")),
    BadRequest("two-files", 400, "2 images", _picture(_PNG) * 2),
    BadRequest("image-and-file", 400, "2 images", _picture(_PNG) + _picture(_PNG, part="file")),
    BadRequest(
        "text-as-image", 415, "not a supported image format", _picture(b"I am a 4", "4.png")
    ),
    BadRequest(
        "html-as-image", 415, "not a supported image format", _picture(b"<svg>4</svg>", "4.svg")
    ),
    BadRequest("pdf", 415, "not a supported image format", _picture(b"%PDF-1.7\n" + b"0" * 99)),
    BadRequest("truncated-png", 422, "cut off", _picture(_PNG[: len(_PNG) // 2])),
    BadRequest("truncated-jpeg", 422, "cut off", _picture(_JPEG[: len(_JPEG) // 2])),
    BadRequest("truncated-gif", 422, "cut off", _picture(_GIF[: len(_GIF) // 2])),
    BadRequest("truncated-webp", 422, "cut off", _picture(_WEBP[: len(_WEBP) // 2])),
    BadRequest("only-a-signature", 422, "cut off", _picture(_PNG[:8])),
    BadRequest("corrupt-png", 422, "damaged", _picture(flip_middle(_PNG))),
    BadRequest("png-of-0x0", 422, "damaged", _picture(png_header(0, 0))),
    BadRequest("png-without-pixels", 422, "damaged", _picture(png_header(28, 28))),
    BadRequest("picture-of-1x1", 422, "", _picture(encode(Image.new("L", (1, 1), 128)))),
    BadRequest("blank-paper", 422, "", _picture(encode(_WHITE))),
    BadRequest(
        "header-of-30000x30000", 413, "900 megapixels", _picture(png_header(30_000, 30_000))
    ),
    BadRequest("17-megabytes", 413, "limit", _picture(b"\x89PNG\r\n\x1a\n" + b"0" * 17_000_000)),
    BadRequest(
        "18-megabytes",
        413,
        "has 18.0 MB; the limit is 16.8 MB",
        _picture(b"\x89PNG\r\n\x1a\n" + b"0" * 18_000_000),
    ),
    BadRequest("wrong-method", 405, "GET is not allowed", method="GET"),
    BadRequest("wrong-method-delete", 405, "DELETE is not allowed", method="DELETE"),
    BadRequest("wrong-path", 404, "described at /reference", _picture(_PNG), path="/predict"),
    BadRequest("text", 415, "text/plain", body=b"4", content_type="text/plain"),
    _json("json-empty", 400, "not valid JSON", b""),
    _json("json-empty-object", 400, "expected the key 'image'", b"{}"),
    _json("json-cut-off", 400, "not valid JSON", b'{"image": "iVBO'),
    _json("json-nan", 400, "NaN", b'{"image": NaN}'),
    _json("json-not-utf-8", 400, "not valid JSON", b'{"image": "\xff"}'),
    _json("json-list", 400, "not an object", b'["iVBO"]'),
    _json("json-other-keys", 400, "the keys picture, id", b'{"picture": "iVBO", "id": 1}'),
    _json("json-deep", 400, "more than 1000 lists", b'{"image":' + b"[" * 100_000),
    _json("json-many-values", 400, "commas", b'{"image":[' + b"0," * 1_000_000),
    _json("json-number", 422, "expected a string", b'{"image": 4}'),
    _json("json-no-base64", 422, "not valid base64", b'{"image": "I am a 4!"}'),
    _json("json-wrong-length", 422, "its length", b'{"image": "iVBORw0KG"}'),
    _json("json-wrong-padding", 422, "its padding", b'{"image": "iVBORw0K="}'),
    _json(
        "json-address", 422, "'https://a.example/4.png'", b'{"image": "https://a.example/4.png"}'
    ),
    _json("json-not-ascii", 422, "not valid base64", '{"image": "é€4="}'.encode()),
    _json("json-data-url-of-text", 422, "data:,four", b'{"image": "data:,four"}'),
    _json("json-empty-picture", 400, "0 bytes", b'{"image": "data:image/png;base64,"}'),
    _json("json-no-picture", 415, "not a supported image format", b'{"image": "SSBhbSBhIDQ="}'),
    _json("json-too-large", 413, "limit", b'{"image": "%s"}' % (b"A" * 20_000_000)),
    BadRequest(
        "urlencoded",
        415,
        "urlencoded",
        body=b"a=b",
        content_type="application/x-www-form-urlencoded",
    ),
    BadRequest(
        "no-boundary", 400, "lacks the boundary", body=_PNG, content_type="multipart/form-data"
    ),
    BadRequest(
        "broken-multipart", 400, "'x' of the header", body=b"--y\r\n\r\n", content_type=MULTIPART
    ),
    BadRequest("raw-text", 415, "text/plain", body=b"4", content_type="text/plain"),
    BadRequest("raw-empty", 400, "0 bytes", body=b"", content_type="image/png"),
]


def encode_form(parts):
    """Return the body and content type of a form with (name, file name, content) parts."""
    values = MultiDict(
        (part, FileStorage(io.BytesIO(content), filename=name)) for part, name, content in parts
    )
    boundary, body = encode_multipart(values)
    return body, f"multipart/form-data; boundary={boundary}"


def encode_request(bad):
    """Return the body and content type of a bad request."""
    return encode_form(bad.parts) if bad.parts else (bad.body or b"", bad.content_type)
