"""Recognise the format of an image file by its first bytes.

Source: the specification of each format. For ISO media (AVIF and HEIC): ISO/IEC 23008-12:2022,
section 10, and AVIF v1.1, AOMedia 2022, section 6.
"""

from __future__ import annotations

import re

#: Supported formats, as error messages name them.
FORMATS = ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIC"]

#: Maximum number of unwanted bytes before an image that are skipped, such as line feeds, a byte
#: order mark or the rest of a header.
MAX_LEADING_BYTES = 16

#: Number of first bytes that are compared with the signatures.
_SIGNATURE_BYTES = 64

#: Signatures by Pillow's name of the format. Ordinary text may contain "BM", so the BMP signature
#: includes the header length. At the very start of a file, "BM" alone is enough (see
#: `_format_at_start`). "ISO" is this project's own name, not Pillow's.
_SIGNATURES = {
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "JPEG": rb"\xff\xd8\xff",
    "GIF": rb"GIF8[79]a",
    "WEBP": rb"RIFF.{4}WEBP",
    "TIFF": rb"II[*+]\0|MM\0[*+]",
    "ISO": rb".{4}ftyp",
    "BMP": rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0",
}
_IMAGE = re.compile(
    b"|".join(
        b"(?P<%s>%s)" % (name.encode(), signature) for name, signature in _SIGNATURES.items()
    ),
    re.DOTALL,
)

#: Brands (names of four letters at the start of an ISO media file) that say how the image is coded.
_BRANDS = {
    **dict.fromkeys([b"avif", b"avis"], "AVIF"),
    **dict.fromkeys(
        [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"], "HEIF"
    ),
}

#: General brands, which do not say how the image is coded. If the first brand is general, cameras
#: write a brand of `_BRANDS` after the first brand.
_GENERAL_BRANDS = {b"mif1", b"mif2", b"msf1", b"miaf"}


def find_image(upload: bytes) -> tuple[str, int] | None:
    """Find the image in a file.

    Returns:
        Pillow's name of the format and the position of the image's first byte, or None if no image
        begins at a position up to `MAX_LEADING_BYTES`.
    """
    if format_name := _format_at_start(upload):
        return format_name, 0
    for found in _IMAGE.finditer(upload[1 : MAX_LEADING_BYTES + _SIGNATURE_BYTES]):
        start = 1 + found.start()
        if start > MAX_LEADING_BYTES:
            break
        if format_name := _format_of(found.lastgroup, upload[start:]):
            return format_name, start
    return None


def _format_at_start(upload: bytes) -> str | None:
    found = _IMAGE.match(upload[:_SIGNATURE_BYTES])
    if found:
        return _format_of(found.lastgroup, upload)
    return "BMP" if upload.startswith(b"BM") else None


def _format_of(name: str | None, upload: bytes) -> str | None:
    """Return Pillow's name of the format, or None for an ISO media file that is not an image.

    An ISO media file with only general brands counts as HEIF.

    Args:
        name: Name of the matching signature in `_SIGNATURES`.
        upload: The file, from the first byte of the image.
    """
    if name != "ISO":
        return name
    size = int.from_bytes(upload[:4])
    brand, further = upload[8:12], upload[16 : min(size, 16 + 4 * _SIGNATURE_BYTES)]
    if brand in _BRANDS:
        return _BRANDS[brand]
    if brand not in _GENERAL_BRANDS:
        return None
    further_brands = [further[at : at + 4] for at in range(0, len(further), 4)]
    return next((_BRANDS[each] for each in further_brands if each in _BRANDS), "HEIF")
