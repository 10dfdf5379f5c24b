"""Limits on one image: bytes, pieces and pixels, each with its reason.

Together they keep the decoding of any file within 320 MB and `CPU_SECONDS`. `metadata` and `cost`
apply them. tests/model/test_cost.py decodes the costliest images that are accepted.
"""

from __future__ import annotations

#: CPU time of the thread that decodes, in seconds. Decoding stops when it is used up.
CPU_SECONDS = 2.0

#: Pixels of an image: more than phone cameras take (50 megapixels), less than decompression bombs.
MAX_PIXELS = 64_000_000

#: Memory while decoding, in bytes: 64 megapixels of PNG, 25 of progressive JPEG, 28 of AVIF, 21 of
#: coloured TIFF, 16 of WebP. A JPEG of one scan is reduced while it is decoded and takes little.
MAX_DECODED_BYTES = 256_000_000

#: Memory per pixel while decoding, in bytes, measured. WebP's decoder keeps two canvases, libtiff a
#: strip that may be as large as the image.
BYTES_PER_PIXEL_OF = {"WEBP": 16, "TIFF": 12, "AVIF": 9, "HEIF": 9, "GIF": 2}
BYTES_PER_PROGRESSIVE_PIXEL = 10
BYTES_PER_PIXEL = 4

#: The same for a PNG of several samples of 16 bits, of which Pillow keeps 8.
BYTES_PER_DEEP_PIXEL = 8

#: Pillow keeps a pointer for each row, which takes more than the pixels of an image 1 pixel wide.
BYTES_PER_ROW = 8
MAX_ROWS = 1_000_000

#: Groups of five prefix codes in a lossless WebP: one for each 4 x 4 pixels, of 20 bits, at most.
#: libwebp makes tables of them, in bytes per group and per further byte of the file.
MAX_WEBP_GROUPS = 65_536
WEBP_PIXELS_PER_GROUP, WEBP_GROUPS_PER_BYTE = 16, 0.4
BYTES_PER_WEBP_GROUP, BYTES_PER_LOSSLESS_BYTE = 5_800, 50
MAX_WEBP_BYTES = 280_000_000

#: Groups that libwebp makes tables of even if no block uses them.
MAX_WEBP_UNUSED_GROUPS = 1_000

#: Entries in the tables of a group in libwebp (`kTableSize`), at most and without the colour cache.
WEBP_TABLE_ENTRIES, BYTES_PER_TABLE_ENTRY, BYTES_PER_WEBP_GROUP_HEADER = 2_956, 4, 600

#: Pixels of a JPEG times its scans, each of which goes over all pixels in 0.8 ns each. Cameras and
#: programs write 10 scans.
MAX_SCANNED_PIXELS = 1_000_000_000

#: Pixels of a run-length encoded BMP, which Pillow expands in Python: 0.12 s per megapixel.
MAX_RLE_PIXELS = 4_000_000

#: Memory from which on images are decoded one at a time, in bytes. A worker then takes the memory
#: of one large image, not of one for each of its threads.
LARGE_BYTES = 32_000_000

#: Pieces of a file: reads by Pillow's parsers, in some microseconds each, and chunks, segments and
#: blocks that `metadata` goes through. A PNG of 16 MB in chunks of 8 kB, a common size, has 2,000.
MAX_PIECES = 50_000

#: Bytes of Exif or XMP, which are needed for the orientation only. Longer ones are left out. Those
#: of cameras, thumbnails included, have under 64 kB, the limit of a JPEG segment.
MAX_METADATA_BYTES = 256_000

#: Bytes of a JPEG before its first scan that decoding needs: tables, one Exif, one XMP.
MAX_JPEG_HEADER_BYTES = 1_000_000

#: Bytes of a palette of 256 RGB colours, or of their opacity.
MAX_PALETTE_BYTES = 768

#: Entries of a TIFF's directory, the limit of libtiff. Programs write about 20.
MAX_TIFF_ENTRIES = 4_096

#: Strips or tiles of a TIFF, each of which takes Pillow 10 microseconds and libtiff up to 40.
#: 64 megapixels in tiles of 64 x 64 are 16,000.
MAX_TIFF_STRIPS = 20_000

#: Values of any other tag of a TIFF. A palette has 768, the tables of a JPEG have 600.
MAX_TIFF_VALUES = 4_096

#: Bytes of the boxes that describe the items and frames of an AVIF. libavif searches through all
#: items for each of them.
MAX_ISO_MEDIA_BYTES = 256_000

#: Pixels by which the coded image of an AVIF may differ from its announced width and height:
#: encoders fill up whole blocks of 64 x 64.
MAX_FRAME_PADDING = 64

#: Pixels of the transforms of a lossless WebP that are read over in Python, 1 microsecond each, to
#: find how many prefix codes follow. libwebp writes two transforms of a pixel for 16 x 16 or more:
#: 125,000 for 16 megapixels.
MAX_WEBP_SKIPPED_PIXELS = 150_000
