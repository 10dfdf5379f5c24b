"""Exceptions raised by dlflask. `problem_types` maps them to HTTP statuses.

DlflaskError
├── ConfigError             a setting is invalid
├── ModelError              the model file cannot be served
├── UploadError             the request does not contain the expected images
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
└── Declined                the service rejects the request for a reason other than its image
    ├── SelfTestFailed
    ├── Expired
    ├── OutOfTime
    ├── Busy
    └── Abandoned
"""


class DlflaskError(Exception):
    """Base class of all exceptions of dlflask. The user sees the message."""


class ConfigError(DlflaskError):
    """A setting has an unknown name or an invalid value."""


class ModelError(DlflaskError):
    """The model file is missing or unreadable, or its network is not suitable."""


class UploadError(DlflaskError):
    """The request does not contain the expected number of images in the expected form and size."""


class MissingUpload(UploadError):
    """Neither the form nor the body contains an image."""


class TooManyUploads(UploadError):
    """The request contains more images than the address accepts."""


class InvalidJson(UploadError):
    """The body is declared as JSON but cannot be parsed or has the wrong structure."""


class InvalidBase64(UploadError):
    """An image in JSON is not a base64 string."""


class InvalidInferRequest(UploadError):
    """The body is not a request of the Open Inference Protocol that this model supports."""


class InvalidLength(UploadError):
    """The length is not a count of digits, such as 5, or a range such as 4-6."""


class EmptyUpload(UploadError):
    """The image is 0 bytes long."""


class UploadTooLarge(UploadError):
    """The image has more bytes than the service accepts."""


class ImageError(DlflaskError):
    """The image was received, but a digit cannot be read from it."""


class UnsupportedImage(ImageError):
    """The bytes are not in a supported image format."""


class DamagedImage(ImageError):
    """The file begins like an image, but is truncated or corrupted."""


class TooManyPixels(ImageError):
    """The header announces more pixels than the service decodes."""


class TooComplex(ImageError):
    """Decoding the image takes more CPU time or memory than the limits for one image."""


class BlankImage(ImageError):
    """The image was decoded, but it shows no ink."""


class Declined(DlflaskError):
    """The service rejects the request for a reason other than its image."""


class SelfTestFailed(Declined):
    """The worker failed its self-test, so its predictions may be wrong."""


class Expired(Declined):
    """The request waited so long that its client has probably given up."""


class OutOfTime(Declined):
    """Earlier images of the request took all the time that one request may take."""


class Busy(Declined):
    """The worker is decoding a large image, and another large image is already waiting."""


class Abandoned(Declined):
    """The client closed the connection before the prediction was computed."""
