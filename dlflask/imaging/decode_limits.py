"""Limits on one image: bytes, pieces and pixels, each with its reason.

Together they keep the decoding of an image within 320 MB and `CPU_SECONDS`, whatever the file says.
`metadata` and `cost` apply them; tests/model/test_cost.py decodes the costliest images that pass.
"""

from __future__ import annotations

#: CPU time of the thread that decodes. Accepted images need less; overrunning ends the work.
CPU_SECONDS = 2.0

#: More than any phone camera takes (50 megapixels), far less than a decompression bomb.
MAX_PIXELS = 64_000_000

#: Memory while decoding: 64 megapixels of PNG, 25 of progressive JPEG, 28 of AVIF, 21 of coloured
#: TIFF, 16 of WebP. A JPEG of one scan is reduced while it is decoded and holds little.
MAX_DECODED_BYTES = 256_000_000

#: Measured per pixel. WebP's decoder keeps two canvases, libtiff a strip that may be the image.
BYTES_PER_PIXEL_OF = {"WEBP": 16, "TIFF": 12, "AVIF": 9, "HEIF": 9, "GIF": 2}
BYTES_PER_PROGRESSIVE_PIXEL = 10
BYTES_PER_PIXEL = 4

#: PNG of 16 bits per sample and several samples is twice as long as what Pillow makes of it.
BYTES_PER_DEEP_PIXEL = 8

#: Pillow keeps a pointer for each row: more than the pixels themselves in an image 1 pixel wide.
BYTES_PER_ROW = 8
MAX_ROWS = 1_000_000

#: Lossless WebP may bring a group of five prefix codes for each 4 x 4 pixels, in 20 bits or more;
#: libwebp makes tables of them, which grow with further bits.
MAX_WEBP_GROUPS = 65_536
WEBP_PIXELS_PER_GROUP, WEBP_GROUPS_PER_BYTE = 16, 0.4
BYTES_PER_WEBP_GROUP, BYTES_PER_LOSSLESS_BYTE = 5_800, 50
MAX_WEBP_BYTES = 280_000_000

#: Longest tables of a group in libwebp (`kTableSize`), to which the colour cache is added.
WEBP_TABLE_ENTRIES, BYTES_PER_TABLE_ENTRY, BYTES_PER_WEBP_GROUP_HEADER = 2_956, 4, 600

#: Every scan of a JPEG goes over all its pixels, 0.8 ns each; cameras and programs write 10 scans.
MAX_SCANNED_PIXELS = 1_000_000_000

#: Pillow expands run-length encoded BMP pixel by pixel in Python, 0.12 s per megapixel.
MAX_RLE_PIXELS = 4_000_000

#: Images that hold more than this while decoded are decoded one at a time: the memory of a worker
#: is that of one large image, not of one per thread.
LARGE_BYTES = 32_000_000

#: Pieces of a file that Pillow reads one by one, in Python, at some microseconds each; also the
#: chunks, segments and blocks that are walked over. 16 MB of PNG in chunks of 8 kB, a common size,
#: are 2,000.
MAX_PIECES = 50_000

#: Exif of cameras, thumbnail included, and XMP are under 64 kB, the limit of a JPEG segment. Both
#: are needed for the orientation only; longer ones are left out.
MAX_METADATA_BYTES = 256_000

#: All segments of a JPEG before its first scan that decoding needs: tables, one Exif, one XMP.
MAX_JPEG_HEADER_BYTES = 1_000_000

#: A palette of 256 RGB colours, or their opacity.
MAX_PALETTE_BYTES = 768

#: libtiff takes no longer directory of a BigTIFF; written ones have about 20 entries.
MAX_TIFF_ENTRIES = 4_096

#: Each strip or tile costs Pillow some 10 microseconds in Python, libtiff up to 40 to set its
#: decoder up: 64 megapixels in tiles of 64 x 64 are 16,000.
MAX_TIFF_STRIPS = 20_000

#: Values of any other needed tag of a TIFF: a palette has 768, the tables of a JPEG 600 bytes.
MAX_TIFF_VALUES = 4_096

#: Boxes that describe the items and frames of an AVIF file. libavif searches its items one by one
#: for each of them.
MAX_ISO_MEDIA_BYTES = 256_000

#: Pixels by which the frame of an AVIF may be larger than the image: encoders fill up whole blocks
#: of 64 x 64.
MAX_FRAME_PADDING = 64

#: Pixels of the transforms of a lossless WebP that are read over in Python, 1 microsecond each, to
#: find how many prefix codes follow. libwebp writes two transforms of a pixel for 16 x 16 or more:
#: 125,000 for 16 megapixels.
MAX_WEBP_SKIPPED_PIXELS = 150_000
