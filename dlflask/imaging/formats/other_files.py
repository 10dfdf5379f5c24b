"""Recognise files that people send by mistake, such as PDF, so that the error can name them."""

from __future__ import annotations

import re

#: Pattern of a file's first bytes, kind of the file, and advice to the user. The first pattern that
#: matches counts.
_FILES = (
    (rb"%PDF-", "a PDF document", "Export the page as PNG or JPEG. "),
    (rb"<(?:\?xml|svg|!DOCTYPE svg)", "an SVG or XML file", "Export the drawing as PNG. "),
    (rb"<(?:!doctype|html|head|body)", "a web page", "Save the image itself. "),
    (rb"8BPS", "a Photoshop document", "Export it as PNG. "),
    (rb"\0\0\0\x0cjP  \r\n", "a JPEG 2000 image", "Save it as PNG or JPEG. "),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL image", "Save it as PNG or JPEG. "),
    (rb"\0\0[\x01\x02]\0", "an icon", "Save it as PNG. "),
    (rb"P[1-7]\s", "a Netpbm image", "Save it as PNG. "),
    (
        rb"PK\x03\x04|PK\x05\x06",
        "a ZIP archive or an office document",
        "Send only the image in it. ",
    ),
    (
        rb"\x1f\x8b|BZh|7z\xbc\xaf|Rar!|\xfd7zXZ|\x28\xb5\x2f\xfd",
        "compressed data",
        "Unpack it and send the image. ",
    ),
    (
        rb"data:|iVBORw0KGgo|/9j/|R0lGOD|UklGR|Qk[0-3]",
        "base64 text",
        "Decode it, or send it in JSON. ",
    ),
    (rb"....ftyp(?:qt|mp4|isom|iso\d|M4V|avc1|3gp)", "a video", "Send one of its frames. "),
    (rb"RIFF....(?:AVI |WAVE)|ID3|OggS|\x1aE\xdf\xa3", "a video or a sound", ""),
    (rb"\x93NUMPY|\x89HDF\r\n", "an array", "Save it as PNG. "),
    (rb"MZ|\x7fELF|\xcf\xfa\xed\xfe", "a program", ""),
)
_KINDS = [
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), kind, advice)
    for pattern, kind, advice in _FILES
]

#: Number of first bytes that are searched to recognise a file or a text.
_BEGINNING_BYTES = 512


def name_file(upload: bytes) -> tuple[str, str]:
    """Return the kind of a file and advice to the user.

    Returns:
        The kind is a noun, such as "a PDF document". The advice is a sentence that ends with a
        space, or an empty text.
    """
    beginning = upload[:_BEGINNING_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip()
    for pattern, kind, advice in _KINDS:
        if pattern.match(upload) or pattern.match(beginning):
            return kind, advice
    if _is_text(beginning):
        return "text", ""
    return f"data that begins with the bytes {upload[:8].hex(' ')}", ""


def _is_text(beginning: bytes) -> bool:
    try:
        # Ignore errors in a long text, because its last character may be cut off.
        text = beginning.decode(errors="strict" if len(beginning) < 500 else "ignore")
    except UnicodeDecodeError:
        return False
    return bool(text) and all(character.isprintable() or character.isspace() for character in text)
