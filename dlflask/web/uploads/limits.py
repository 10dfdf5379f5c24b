"""Limits on the number and size of the images in one request."""

from __future__ import annotations

from dlflask.errors import EmptyUpload, TooManyUploads, UploadTooLarge

#: Maximum number of images in one request. More images would not save time, because the throughput
#: grows only up to 64 images per request.
MAX_UPLOADS = 256

#: Maximum number of images in one request with details. The details of an image contain a saliency
#: map, which takes as long as reading sixty images.
MAX_DETAILED = 64


def check_size(num_bytes: int, max_bytes: int) -> None:
    """Raise an error if an image file is empty or larger than the limit.

    Raises:
        EmptyUpload: `num_bytes` is 0.
        UploadTooLarge: `num_bytes` is more than `max_bytes`.
    """
    if not num_bytes:
        raise EmptyUpload("The image file has 0 bytes. Send a file that contains an image.")
    if num_bytes > max_bytes:
        raise UploadTooLarge(
            f"The image file has {num_bytes / 1e6:.1f} MB; the limit is {max_bytes / 1e6:.1f} MB. "
            "Send a smaller image."
        )


def check_count(num_images: int, max_images: int) -> None:
    """Raise an error if a request has too many images.

    Raises:
        TooManyUploads: `num_images` is more than `max_images`.
    """
    if num_images > max_images:
        with_details = " with details" if max_images < MAX_UPLOADS else ""
        raise TooManyUploads(
            f"The request has {num_images} images; the limit is {max_images}{with_details}. Send "
            "the other images in further requests."
        )
