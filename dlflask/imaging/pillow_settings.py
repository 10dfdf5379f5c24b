"""Settings of Pillow and its decoders for the whole process."""

from __future__ import annotations

import os
import warnings
from functools import cache

import pi_heif
from PIL import AvifImagePlugin, Image

from dlflask.imaging.decode_limits import MAX_DECODED_BYTES, MAX_PIXELS


@cache
def configure_pillow() -> None:
    """Apply the settings once; called before each image, so that no caller can forget it."""
    # Pillow checks each allocation of pixels and rejects twice this number. Some formats allocate
    # while the header is read, before check_cost is called.
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2
    # Read by libjpeg, which stops at so many bytes in a file that hides its scans from Pillow.
    os.environ.setdefault("JPEGMEM", f"{MAX_DECODED_BYTES // 1_000_000}m")
    # More threads of the AVIF decoder would need more memory, and each CPU already has a worker.
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    # Thumbnails and depth maps are not read. libde265 always decodes in a separate thread; more
    # threads would only compete with the other workers.
    pi_heif.register_heif_opener(
        decode_threads=1, thumbnails=False, depth_images=False, aux_images=False
    )
    # Pillow warns of each damaged tag. Python would log each wording once and remember it for good:
    # memory and a log that grow with every file received.
    warnings.filterwarnings("ignore", module=r"PIL\.")
