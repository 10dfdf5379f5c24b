"""Limits on the memory, time and structure of one image, each with its reason.

Within these limits, decoding a file takes at most 320 MB of memory and `CPU_SECONDS` of CPU time.
The packages `metadata` and `cost` apply the limits. tests/model/test_cost.py decodes the images
that take the most memory and time within the limits.
"""

from __future__ import annotations

#: Maximum CPU time of the thread that decodes, in seconds. Decoding stops when this time is used
#: up.
CPU_SECONDS = 2.0

#: Maximum number of pixels of an image. Phone cameras take up to 50 megapixels. Decompression bombs
#: (small files of huge images) have more than 64 megapixels.
MAX_PIXELS = 64_000_000

#: Maximum memory for decoding, in bytes. This allows 64 megapixels of PNG, 28 of AVIF, 25 of
#: progressive JPEG, 21 of coloured TIFF or 16 of WebP. A JPEG with one scan takes little memory,
#: because Pillow reduces the image while decoding.
MAX_DECODED_BYTES = 256_000_000

#: Measured memory that decoding takes, in bytes per pixel: for the formats in the dictionary (by
#: Pillow's names), for a progressive JPEG, and for all other images. The decoder of WebP keeps two
#: copies of the image. libtiff keeps a strip (a group of rows), which may be as large as the image.
BYTES_PER_PIXEL_OF = {"WEBP": 16, "TIFF": 12, "AVIF": 9, "HEIF": 9, "GIF": 2}
BYTES_PER_PROGRESSIVE_PIXEL = 10
BYTES_PER_PIXEL = 4

#: Memory in bytes per pixel of a HEIC that has more than 8 bits per channel and stores its colours
#: at a higher resolution than 4:2:0 (half the width and height). Additional memory in bytes per
#: pixel of any HEIC with opacity.
BYTES_PER_DEEP_HEIF_PIXEL, BYTES_PER_OPACITY_PIXEL = 16, 4

#: Memory in bytes per pixel of a PNG with 16-bit colour channels. Pillow's decoded image has only 8
#: bits per channel.
BYTES_PER_DEEP_PIXEL = 8

#: Memory in bytes of the pointer that Pillow keeps for each row.
BYTES_PER_ROW = 8

#: Maximum number of rows. In an image 1 pixel wide, the pointers to the rows take more memory than
#: the pixels.
MAX_ROWS = 1_000_000

#: Maximum number of groups in a lossless WebP. A group consists of five prefix codes
#: (variable-length codes), for which libwebp builds decoding tables.
MAX_WEBP_GROUPS = 65_536

#: A lossless WebP has at most one group per 4 x 4 pixels. A group takes at least 20 bits, so a byte
#: of the file contains at most 0.4 groups.
WEBP_PIXELS_PER_GROUP, WEBP_GROUPS_PER_BYTE = 16, 0.4

#: The memory of the decoding tables is the sum of two parts: this number of bytes for each group,
#: and this number for each byte of the lossless data.
BYTES_PER_WEBP_GROUP, BYTES_PER_LOSSLESS_BYTE = 5_800, 50

#: Maximum memory in bytes for the pixels and decoding tables of a WebP.
MAX_WEBP_BYTES = 280_000_000

#: If an image has at most this number of groups, libwebp builds tables for all of them, even for
#: groups that no block uses.
MAX_WEBP_UNUSED_GROUPS = 1_000

#: Three numbers about libwebp: the maximum number of table entries of a group without a colour
#: cache (`kTableSize`), the bytes per entry, and the bytes per group in addition to its entries.
WEBP_TABLE_ENTRIES, BYTES_PER_TABLE_ENTRY, BYTES_PER_WEBP_GROUP_HEADER = 2_956, 4, 600

#: Maximum of a JPEG's number of pixels multiplied by its number of scans. Every scan goes over all
#: pixels, which takes 0.8 ns per pixel. Cameras and programs write at most 10 scans.
MAX_SCANNED_PIXELS = 1_000_000_000

#: Maximum number of pixels of a run-length encoded BMP. Pillow decodes such a file in Python, which
#: takes 0.12 s per megapixel.
MAX_RLE_PIXELS = 4_000_000

#: Images that need more memory than this number of bytes are decoded one at a time, so that a
#: worker holds only one large image instead of one per thread.
LARGE_BYTES = 32_000_000

#: Maximum number of chunks, segments or blocks of a file that `metadata` reads. It is also the
#: maximum number of read operations of Pillow's parsers, which are counted separately. Each takes
#: some microseconds. A PNG of 16 MB has 2,000 chunks of 8 kB, which is a common size.
MAX_PIECES = 50_000

#: Maximum size in bytes of Exif and of XMP. Both are needed only for the orientation. Longer
#: metadata is ignored. Cameras write less than 64 kB, the limit of a JPEG segment.
MAX_METADATA_BYTES = 256_000

#: Maximum size in bytes of all segments that are kept before a JPEG's first scan: tables, one Exif
#: segment and one XMP segment.
MAX_JPEG_HEADER_BYTES = 1_000_000

#: Maximum size in bytes of a palette of 256 RGB colours, and of the list of their opacities.
MAX_PALETTE_BYTES = 768

#: Maximum number of entries in a TIFF's directory (its list of tags), as in libtiff. Programs write
#: about 20 entries.
MAX_TIFF_ENTRIES = 4_096

#: Maximum number of strips or tiles of a TIFF. A strip or tile takes 10 microseconds in Pillow and
#: up to 40 in libtiff. An image of 64 megapixels has 16,000 tiles of 64 x 64 pixels.
MAX_TIFF_STRIPS = 20_000

#: Maximum number of values of a TIFF tag, except the tags that list strips or tiles. A palette has
#: 768 values, and the tables of a JPEG have 600.
MAX_TIFF_VALUES = 4_096

#: Maximum size in bytes of a box (a part of the file) that describes the items (images and
#: metadata) or the frames of an AVIF or HEIC. For every item, libavif searches all items. The time
#: therefore grows with the square of the number of items.
MAX_ISO_MEDIA_BYTES = 256_000

#: Maximum difference, in pixels per side, between the size in the header of an AVIF or HEIC and the
#: size of its coded image. Encoders extend an image to whole blocks of 64 x 64 pixels.
MAX_FRAME_PADDING = 64

#: Maximum number of tiles of a HEIC, and maximum size in bytes of all tiles together. Decoding
#: takes 0.15 ms per tile and 0.15 s per megabyte. Phones write tiles of 512 x 512 pixels: 192 tiles
#: for 48 megapixels.
MAX_HEVC_TILES = 1_000
MAX_HEVC_BYTES = 10_000_000

#: Maximum number of pixels in the transforms of a lossless WebP (small images that come before the
#: prefix codes). `vp8l_layout` skips these pixels one by one, in 1 microsecond each. libwebp writes
#: two transforms, each with one pixel per block of at least 16 x 16 pixels. In an image of 16
#: megapixels, the two transforms have 125,000 pixels.
MAX_WEBP_SKIPPED_PIXELS = 150_000
