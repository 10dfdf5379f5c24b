"""Exceptions raised by dlflask. `problem_types` maps them to HTTP statuses.

DlflaskError
├── ConfigError             a setting is invalid
├── ModelError              the model file cannot be served
├── UploadError             the request does not contain one image
│   ├── MissingUpload
│   ├── TooManyUploads
│   ├── InvalidJson
│   ├── InvalidBase64
│   ├── InvalidInferRequest
│   ├── InvalidLength
│   ├── EmptyUpload
│   └── UploadTooLarge
├── ImageError              the image cannot be read
│   ├── UnsupportedImage
│   ├── DamagedImage
│   ├── TooManyPixels
│   ├── TooComplex
│   └── BlankImage
└── Declined                the request is rejected, whatever the image
    ├── SelfTestFailed
    ├── Expired
    ├── OutOfTime
    ├── Busy
    └── Abandoned
"""


class DlflaskError(Exception):
    """Base of all exceptions that dlflask raises. The message is for the user."""


class ConfigError(DlflaskError):
    """A `DLFLASK_*` variable has an unknown name or an impossible value."""


class ModelError(DlflaskError):
    """The model file is missing, unreadable, or not a digit classifier."""


class UploadError(DlflaskError):
    """The request does not contain exactly one image of an accepted size."""


class MissingUpload(UploadError):
    """Neither the form nor the body contains an image."""


class TooManyUploads(UploadError):
    """The request contains several images where one is accepted."""


class InvalidJson(UploadError):
    """The body is declared as JSON but cannot be parsed or has the wrong structure."""


class InvalidBase64(UploadError):
    """An image in JSON is not a base64 string."""


class InvalidInferRequest(UploadError):
    """The body is not an inference request that this model supports."""


class InvalidLength(UploadError):
    """The length that a number should have is not a number of digits or a range."""


class EmptyUpload(UploadError):
    """The image is 0 bytes long."""


class UploadTooLarge(UploadError):
    """The image is larger than the service accepts."""


class ImageError(DlflaskError):
    """The image was received, but a digit cannot be read from it."""


class UnsupportedImage(ImageError):
    """The bytes are not in a supported image format."""


class DamagedImage(ImageError):
    """The file begins like an image but is truncated or corrupted."""


class TooManyPixels(ImageError):
    """The header announces more pixels than the service decodes."""


class TooComplex(ImageError):
    """Decoding the image takes more CPU time or memory than the service gives one image."""


class BlankImage(ImageError):
    """The image was decoded and shows no ink."""


class Declined(DlflaskError):
    """The service rejects the request, whatever its image."""


class SelfTestFailed(Declined):
    """The worker failed its self-test, so its predictions may be wrong."""


class Expired(Declined):
    """The request waited so long that its client has probably given up."""


class OutOfTime(Declined):
    """The images before this one took all the time of the request."""


class Busy(Declined):
    """The worker is decoding a large image, and another one waits for its turn already."""


class Abandoned(Declined):
    """The client closed the connection before the prediction was computed."""
