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
    """Apply the settings at the first call.

    `decode` calls this function before each image, so that the settings are always applied.
    """
    # Pillow rejects an image with more than twice `MAX_IMAGE_PIXELS`. This limit is necessary for
    # formats whose pixels Pillow allocates before `check_cost` is called.
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2
    # libjpeg reads this variable and stops when it needs more memory. `check_cost` estimates the
    # memory only by the scans that Pillow finds, but a file may hide scans from Pillow.
    os.environ.setdefault("JPEGMEM", f"{MAX_DECODED_BYTES // 1_000_000}m")
    # With more threads, the AVIF decoder would need more memory, but would not be faster, because
    # each CPU already has a worker.
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    # Skip thumbnails, depth maps and other auxiliary images, which this service does not need.
    # libde265, the HEVC decoder, always uses a separate thread. More threads would only compete
    # with the other workers.
    pi_heif.register_heif_opener(
        decode_threads=1, thumbnails=False, depth_images=False, aux_images=False
    )
    # Pillow warns about each damaged tag. Python would log each different warning once and would
    # remember the warning until the process ends. Each received file could add to memory and log.
    warnings.filterwarnings("ignore", module=r"PIL\.")
