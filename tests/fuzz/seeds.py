"""Seeds of mutation: small files of every format, and requests that carry them."""

import base64
import gzip
import zlib

import numpy as np
from PIL import Image, ImageOps, features

from tests.conftest import encode
from tests.costly import heic
from tests.costly.gif_bmp import before_the_frame, run_length
from tests.costly.jpeg import segment, with_segments
from tests.costly.png import chunk, with_chunks
from tests.drawing import draw_digit, draw_number

#: Side of an image in pixels: the digit is readable, and a thousand are decoded in seconds.
SIDE = 40

_FOUR = draw_digit(4, SIDE, pen=12)


def _exif():
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "maker"
    exif.get_ifd(0x8769)[0x9003] = "2026:01:01 00:00:00"
    return exif


def _pictures():
    grey = _FOUR.convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    clear = _FOUR.convert("RGBA")
    clear.putalpha(grey.point(lambda level: 255 - level))
    frames = {"save_all": True, "append_images": [draw_digit(0, SIDE), draw_digit(8, SIDE)]}
    yield "png", encode(_FOUR, dpi=(72, 72))
    yield "png-16-bit", encode(deep)
    yield "png-palette", encode(_FOUR.quantize(4), transparency=0)
    yield "png-alpha-exif", encode(clear, exif=_exif(), icc_profile=b"a profile" * 9)
    yield "png-animated", encode(_FOUR, **frames)
    yield "jpeg", encode(_FOUR, "JPEG", comment=b"a comment")
    yield "jpeg-progressive", encode(_FOUR, "JPEG", progressive=True, restart_marker_rows=1)
    yield "jpeg-cmyk", encode(_FOUR.convert("CMYK"), "JPEG")
    yield "jpeg-exif", encode(_FOUR, "JPEG", exif=_exif(), icc_profile=b"a profile" * 9)
    yield "webp", encode(_FOUR, "WEBP", exif=_exif())
    yield "webp-lossless-alpha", encode(clear, "WEBP", lossless=True)
    yield "webp-animated", encode(_FOUR, "WEBP", **frames)
    yield "gif", encode(_FOUR, "GIF")
    yield "gif-animated", encode(_FOUR, "GIF", **frames, loop=0, transparency=0)
    yield "bmp", encode(_FOUR, "BMP")
    yield "bmp-1-bit", encode(_FOUR.convert("1"), "BMP")
    yield "tiff", encode(_FOUR, "TIFF")
    yield "tiff-float", encode(Image.fromarray(np.asarray(grey, np.float32) / 255), "TIFF")
    yield "tiff-of-two", encode(_FOUR, "TIFF", **frames)
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "group4", "jpeg"):
        plain = _FOUR.convert("1") if compression == "group4" else _FOUR
        yield f"tiff-{compression}", encode(plain, "TIFF", compression=compression)
    if features.check("avif"):
        yield "avif", encode(_FOUR, "AVIF", exif=_exif())
        yield "avif-alpha", encode(clear, "AVIF")
    yield from _heics()
    yield from _with_much_metadata()


def _heics():
    """Yield the smallest HEICs, of one image and of several items."""
    for name in ("four", "four-grey", "four-opacity", "four-10-bits"):
        yield f"heic-{name}", heic.read(f"{name}.heic")
    yield "heic-tiles", heic.grid(heic.read("four-left-half.heic"), 2, 1)
    yield "heic-rotated", heic.rotated(1, "four.heic")


def _with_much_metadata():
    """Yield files with a few of the parts of which a costly file has thousands."""
    exif = b"Exif\0\0" + bytes(60)
    text = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(9_000)))
    profile = chunk(b"tEXt", b"Raw profile type exif\0\nexif\n9\n" + b"49492a00" * 9)
    yield "png-texts", with_chunks((text + profile) * 9, encode(_FOUR))
    yield "jpeg-many-exif", with_segments(segment(0xE1, exif) * 30, encode(_FOUR, "JPEG"))
    yield "gif-comments", before_the_frame(b"\x21\xfe\1a\0" * 60)
    lines = np.flipud(np.asarray(_FOUR.convert("L")))
    runs = b"\0\0".join(b"".join(bytes([1, grey]) for grey in line) for line in lines)
    yield "bmp-run-length", run_length(SIDE, SIDE, runs + b"\0\0\0\1")
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "jpeg"):
        upload = encode(_FOUR.copy(), "TIFF", compression=compression, tiffinfo={278: 8})
        yield f"tiff-strips-{compression}", upload


PICTURES = dict(_pictures())

_NUMBER = draw_number("18014", SIDE, -8, pen=12)
_LINES = Image.new("L", (120, 160), 220)
for top, text in enumerate(("12.50", "-3", "007")):
    _LINES.paste(draw_number(text, SIDE, -8, pen=12).convert("L"), (0, 55 * top))

#: Images of numbers: one line, three lines, boxes around the digits, small digits on a large page.
NUMBERS = {
    "number-png": encode(_NUMBER),
    "number-jpeg": encode(_NUMBER, "JPEG", quality=40),
    "number-lines": encode(_LINES),
    "number-boxes": encode(ImageOps.expand(_NUMBER, 4, "black")),
    "number-rotated": encode(_NUMBER.rotate(20, expand=True, fillcolor="white"), "WEBP"),
    "number-small": encode(ImageOps.expand(_NUMBER, 500, "white").convert("1")),
    "number-of-many": encode(draw_number("1234567890" * 4, SIDE, -8, pen=12).quantize(4)),
}

MULTIPART = b"multipart/form-data; boundary=seam"


def request(body, content_type, *headers, line=b"POST /predictlabel"):
    """Return the bytes of a request: its line, its headers, an empty line, its body."""
    typed = [b"Content-Type: " + content_type] if content_type else []
    length = (
        [] if any(b"ength" in header for header in headers) else [b"Content-Length: %d" % len(body)]
    )
    return b"\r\n".join([line, *typed, *length, *headers, b"", body])


def part(content, name=b'form-data; name="image"; filename="4.png"', *headers):
    """Return one part of a multipart body, with the boundary in front of it."""
    head = b"\r\n".join([b"Content-Disposition: " + name, *headers])
    return b"--seam\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


_END = b"--seam--\r\n"
_PNG = PICTURES["png"]

REQUESTS = {
    "form": request(part(_PNG) + _END, MULTIPART),
    "form-of-three": request(
        part(b"x", b'form-data; name="a"') + part(_PNG) + part(b"", b'form-data; name="b"') + _END,
        MULTIPART,
    ),
    "form-with-odd-parts": request(
        part(_PNG, b"form-data; name=image; filename*=utf-8''%e2%82%ac.png", b"Content-Type: a/b")
        + part(b"5", b'form-data; name="sample"', b"Content-Transfer-Encoding: base64")
        + _END,
        MULTIPART,
    ),
    "form-without-names": request(
        part(_PNG, b'form-data; name="image"') + part(b"4", b"form-data; name=file") + _END,
        MULTIPART,
    ),
    "form-of-text": request(
        part(b"data:image/png;base64,iVBORw0KGgo", b'form-data; name="image"') + _END, MULTIPART
    ),
    "form-with-line-feeds": request(
        part(_PNG, b'form-data; name="image"; filename="\xcb\xc4"').replace(b"\r\n", b"\n"),
        MULTIPART,
    ),
    "form-without-boundary": request(part(_PNG) + _END, b"multipart/form-data"),
    "form-without-end": request(part(_PNG), MULTIPART),
    "form-of-many": request(part(b"x") * 30 + _END, MULTIPART),
    "long-boundary": request(b"--" + b"s" * 70, b"multipart/form-data; boundary=" + b"s" * 70),
    "raw": request(PICTURES["jpeg"], b"image/jpeg"),
    "raw-of-unknown-type": request(_PNG, b"application/octet-stream"),
    "raw-of-wrong-type": request(_PNG, b"application/x-www-form-urlencoded"),
    "raw-gzip": request(gzip.compress(_PNG, mtime=0), b"image/png", b"Content-Encoding: gzip"),
    "form-deflate": request(
        zlib.compress(part(_PNG) + _END), MULTIPART, b"Content-Encoding: deflate"
    ),
    "json": request(b'{"image": "%s", "id": [1]}' % base64.b64encode(_PNG), b"application/json"),
    "json-url-safe": request(
        b'{"image": "data:;base64,%s"}' % base64.urlsafe_b64encode(_PNG).rstrip(b"="),
        b"application/json",
    ),
    "json-gzip": request(
        gzip.compress(b'{"images": ["AAAA"]}', mtime=0),
        b"application/json",
        b"Content-Encoding: gzip",
        line=b"POST /predictlabels",
    ),
    "raw-details": request(_PNG, b"image/png", line=b"POST /predictlabel?details=1"),
    "number": request(NUMBERS["number-png"], b"image/png", line=b"POST /predictnumber"),
    "number-of-length": request(
        NUMBERS["number-jpeg"], b"image/jpeg", line=b"POST /predictnumber?length=5"
    ),
    "number-of-lengths": request(
        part(NUMBERS["number-png"]) + _END,
        MULTIPART,
        line=b"POST /predictnumber?length=4-6&details=1",
    ),
    "number-of-wrong-length": request(_PNG, b"image/png", line=b"POST /predictnumber?length=6-4"),
    "number-page": request(
        NUMBERS["number-lines"], b"image/png", line=b"POST /predictnumber?details=1"
    ),
    "numbers": request(
        part(_PNG) + part(NUMBERS["number-png"]) + part(b"x") + _END,
        MULTIPART,
        line=b"POST /predictnumbers?length=1-100",
    ),
    "numbers-json": request(
        b'{"images": ["%s", "AAAA"]}' % base64.b64encode(_PNG),
        b"application/json",
        line=b"POST /predictnumbers?length=2&details=1",
    ),
    "number-infer": request(
        b'{"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": ["%s"]}]}'
        % base64.b64encode(NUMBERS["number-png"]),
        b"application/json",
        line=b"POST /v2/models/number/infer",
    ),
    "raw-too-long": request(_PNG, b"image/png", b"Content-Length: 99999999"),
    "raw-negative": request(_PNG, b"image/png", b"Content-Length: -1"),
    "raw-no-number": request(_PNG, b"image/png", b"Content-Length: 0x10"),
    "type-in-braces": request(_PNG, b"a{b}/{c.d}"),
    "page": request(part(_PNG) + _END, MULTIPART, b"Accept: text/html;q=0.9", line=b"POST /"),
    "sample": request(
        b"sample=4", b"application/x-www-form-urlencoded", b"Accept-Language: de", line=b"POST /"
    ),
    "static": request(b"", b"", b"Range: bytes=0-9,20-", line=b"GET /static/4.jpg"),
    "ready": request(b"", b"", b"X-Request-ID: 0123456789", b"Cookie: a=b", line=b"GET /readyz"),
}
