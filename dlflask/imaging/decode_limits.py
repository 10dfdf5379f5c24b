"""What a picture may cost, told before its pixels are decoded: pixels, memory, scans, pieces.

With these a picture costs a worker at most 320 MB and a second or two of a CPU;
tests/model/test_cost.py decodes the worst that they let through.
"""

from __future__ import annotations

import os
import re
import threading
from contextlib import AbstractContextManager, nullcontext
from io import BytesIO

from PIL import AvifImagePlugin, Image

from dlflask.errors import TooManyPixels

#: More than any phone camera takes (50 megapixels), far less than a decompression bomb.
MAX_PIXELS = 64_000_000

#: What decoding may hold at once: 64 megapixels of PNG, 25 of progressive JPEG, 28 of AVIF, 21 of
#: coloured TIFF, 16 of WebP. A JPEG of one scan is reduced while it is decoded and holds little.
MAX_DECODED_BYTES = 256_000_000

#: Measured per pixel. WebP's decoder keeps two canvases, libtiff a strip that may be the picture.
_BYTES_PER_PIXEL = {"WEBP": 16, "TIFF": 12, "AVIF": 9, "HEIF": 9, "GIF": 2}
_BYTES_PER_PROGRESSIVE_PIXEL = 10
BYTES_PER_PIXEL = 4

#: Every scan of a JPEG goes over all its pixels, 0.8 ns each; cameras and programs write 10 scans.
MAX_SCANNED_PIXELS = 1_000_000_000

#: A start of scan: the length that belongs to 1, 2, 3 or 4 components, and their number.
_SCAN = re.compile(rb"\xff\xda\x00(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")

#: Pieces of a file that Pillow reads one by one, in Python, at some microseconds each. 16 MB of PNG
#: in chunks of 8 kB, a common size, are 8,000.
MAX_READS = 50_000

#: Pictures that hold more than this while decoded, and AVIF, whose header may understate it, are
#: decoded one at a time: the memory of a worker is that of one large picture, not of one a thread.
LARGE_BYTES = 32_000_000
_ONE_AT_A_TIME = threading.Lock()

# Pillow checks wherever it makes room for pixels, and refuses at twice this: some formats make room
# while the header is read, where check_cost has not been asked yet.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2
# Read by libjpeg: a file of many scans that hides them from Pillow is cut off at so many bytes.
os.environ.setdefault("JPEGMEM", f"{MAX_DECODED_BYTES // 1_000_000}m")
# One process per CPU decodes already; each thread would hold buffers of its own.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1


class Pieces(BytesIO):
    """The bytes of an upload, to be read in at most `MAX_READS` pieces."""

    _reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """As a file does.

        Raises:
            OSError: The file is made of more pieces than any picture is.
        """
        self._reads += 1
        if self._reads > MAX_READS:
            raise OSError(f"it is made of over {MAX_READS:,} pieces")
        return super().read(size)


def check_cost(picture: Image.Image, upload: bytes) -> int:
    """Refuse what costs too much; give the bytes that decoding will hold at full scale.

    Raises:
        ValueError: The picture has no pixels, or too many scans.
        TooManyPixels: It has too many.
    """
    width, height = picture.size
    if width < 1 or height < 1:
        raise ValueError(f"its size is {width} x {height}")
    if picture.format == "TIFF":
        # A file may announce tiles larger than the picture, and libtiff decodes them whole.
        tags = getattr(picture, "tag_v2", {})
        width, height = max(width, tags.get(322, 0)), max(height, tags.get(323, 0))
    each = _bytes_per_pixel(picture)
    limit = min(MAX_PIXELS, MAX_DECODED_BYTES // each) if each else MAX_PIXELS
    if width * height > limit:
        raise TooManyPixels(
            f"The picture is {width} x {height} = {width * height / 1e6:.0f} megapixels; the "
            f"limit is {limit / 1e6:.0f} for this kind of {picture.format}. "
            "Send a smaller picture."
        )
    # Counting is ten times as fast as the search, and enough for nearly all.
    scans = upload.count(b"\xff\xda\x00")
    scans = len(_SCAN.findall(upload)) if scans > 1 else scans
    if scans > 1 and scans * width * height > MAX_SCANNED_PIXELS:
        raise ValueError(f"it has {scans} scans")
    return MAX_DECODED_BYTES if picture.format == "AVIF" else width * height * each


def too_many_pixels(fault: Image.DecompressionBombError) -> TooManyPixels:
    """Pillow's refusal in the words of this service."""
    found = re.search(r"\d+", str(fault))
    came = f"{int(found[0]) / 1e6:.0f}" if found else f"over {MAX_PIXELS / 1e6:.0f}"
    return TooManyPixels(
        f"The picture has {came} megapixels; the limit is {MAX_PIXELS / 1e6:.0f}. "
        "Send a smaller picture."
    )


def turn_to_decode(held_bytes: int) -> AbstractContextManager[object]:
    """Give the context in which to decode a picture that holds so many bytes while it is."""
    return _ONE_AT_A_TIME if held_bytes > LARGE_BYTES else nullcontext()


def _bytes_per_pixel(picture: Image.Image) -> int:
    """What decoding holds at full scale; 0 for a JPEG of one scan, which is reduced meanwhile."""
    if picture.format in ("JPEG", "MPO"):
        return _BYTES_PER_PROGRESSIVE_PIXEL if picture.info.get("progressive") else 0
    if picture.format == "TIFF" and picture.mode in ("1", "L", "P"):
        return BYTES_PER_PIXEL  # scans of documents, at 600 dpi 35 megapixels
    return _BYTES_PER_PIXEL.get(picture.format or "", BYTES_PER_PIXEL)
