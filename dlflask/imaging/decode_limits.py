"""Limits on the memory, time and structure of one image, each with its reason.

Together they limit the decoding of a file to 320 MB of memory and `CPU_SECONDS` of CPU time.
`metadata` and `cost` apply them. tests/model/test_cost.py decodes the costliest images that are
accepted.
"""

from __future__ import annotations

#: CPU time of the thread that decodes, in seconds. Decoding stops when it is used up.
CPU_SECONDS = 2.0

#: Pixels of an image. Phone cameras take up to 50 megapixels; decompression bombs have more than
#: 64.
MAX_PIXELS = 64_000_000

#: Memory for decoding, in bytes. It allows 64 megapixels of PNG, 28 of AVIF, 25 of progressive
#: JPEG, 21 of coloured TIFF or 16 of WebP. Pillow reduces a JPEG of one scan while it decodes it,
#: which takes little memory.
MAX_DECODED_BYTES = 256_000_000

#: Memory per pixel while decoding, in bytes, measured. WebP's decoder keeps two canvases. libtiff
#: keeps a strip, which may be as large as the image.
BYTES_PER_PIXEL_OF = {"WEBP": 16, "TIFF": 12, "AVIF": 9, "HEIF": 9, "GIF": 2}
BYTES_PER_PROGRESSIVE_PIXEL = 10
BYTES_PER_PIXEL = 4

#: Memory per pixel of a HEIC of more than 8 bits with colours at more than half resolution, and of
#: an image of opacity, in bytes.
BYTES_PER_DEEP_HEIF_PIXEL, BYTES_PER_OPACITY_PIXEL = 16, 4

#: Memory per pixel of a PNG with 16-bit colour channels. Pillow keeps 8 bits of each channel.
BYTES_PER_DEEP_PIXEL = 8

#: Pillow keeps a pointer per row. In an image 1 pixel wide, the pointers take more memory than the
#: pixels.
BYTES_PER_ROW = 8
MAX_ROWS = 1_000_000

#: A lossless WebP has at most one group of five prefix codes per 4 x 4 pixels, and a group takes at
#: least 20 bits of the file. libwebp builds decoding tables, whose bytes are given per group and
#: per further byte of the file.
MAX_WEBP_GROUPS = 65_536
WEBP_PIXELS_PER_GROUP, WEBP_GROUPS_PER_BYTE = 16, 0.4
BYTES_PER_WEBP_GROUP, BYTES_PER_LOSSLESS_BYTE = 5_800, 50
MAX_WEBP_BYTES = 280_000_000

#: Up to this number of groups, libwebp builds tables even for groups that no block uses.
MAX_WEBP_UNUSED_GROUPS = 1_000

#: Most table entries of a group in libwebp (`kTableSize`), without the colour cache; bytes per
#: entry; bytes per group beside its entries.
WEBP_TABLE_ENTRIES, BYTES_PER_TABLE_ENTRY, BYTES_PER_WEBP_GROUP_HEADER = 2_956, 4, 600

#: Pixels of a JPEG times its scans. Every scan passes over all pixels, in 0.8 ns per pixel. Cameras
#: and programs write up to 10 scans.
MAX_SCANNED_PIXELS = 1_000_000_000

#: Pixels of a run-length encoded BMP, which Pillow expands in Python: 0.12 s per megapixel.
MAX_RLE_PIXELS = 4_000_000

#: Images that need more memory than this, in bytes, are decoded one at a time, so a worker holds
#: one large image and not one per thread.
LARGE_BYTES = 32_000_000

#: Parts of a file: reads by Pillow's parsers (some microseconds each), or chunks, segments and
#: blocks that `metadata` reads. A PNG of 16 MB in chunks of 8 kB, a common size, has 2,000.
MAX_PIECES = 50_000

#: Bytes of Exif or XMP, which only give the orientation. Longer metadata is ignored. Cameras write
#: less than 64 kB, the limit of a JPEG segment.
MAX_METADATA_BYTES = 256_000

#: Bytes of the headers that are kept before a JPEG's first scan: tables, one Exif, one XMP.
MAX_JPEG_HEADER_BYTES = 1_000_000

#: Bytes of a palette of 256 RGB colours, or of their opacity.
MAX_PALETTE_BYTES = 768

#: Entries of a TIFF's directory, the limit of libtiff. Programs write about 20.
MAX_TIFF_ENTRIES = 4_096

#: Strips or tiles of a TIFF, each of which takes Pillow 10 microseconds and libtiff up to 40. 64
#: megapixels in tiles of 64 x 64 are 16,000.
MAX_TIFF_STRIPS = 20_000

#: Values of a TIFF tag, other than the tables of strips and tiles. A palette has 768, the tables of
#: a JPEG have 600.
MAX_TIFF_VALUES = 4_096

#: Bytes of the boxes that describe the items and frames of an AVIF. For every item, libavif
#: searches all items, so its time grows with the square.
MAX_ISO_MEDIA_BYTES = 256_000

#: Largest difference, in pixels per side, between the announced size of an AVIF and its coded
#: image. Encoders pad to blocks of 64 x 64.
MAX_FRAME_PADDING = 64

#: Tiles of a HEIC, and their bytes. A tile takes 0.15 ms, a megabyte 0.15 s.
#: Phones write tiles of 512 x 512, 192 for 48 megapixels.
MAX_HEVC_TILES = 1_000
MAX_HEVC_BYTES = 10_000_000

#: Pixels of a lossless WebP's transforms that Python skips (1 microsecond each) to reach the prefix
#: codes. libwebp writes two transforms, each with one pixel per block of at least 16 x 16 pixels:
#: 125,000 pixels for an image of 16 megapixels.
MAX_WEBP_SKIPPED_PIXELS = 150_000
