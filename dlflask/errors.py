"""What can go wrong, in the words of this service; no HTTP in it.

DlflaskError
├── ConfigError             a setting that the service will not start with
├── ModelError              a model file that the service cannot serve
├── UploadError             the request does not carry one picture
│   ├── MissingUpload
│   ├── TooManyUploads
│   ├── InvalidJson
│   ├── InvalidBase64
│   ├── InvalidInferRequest
│   ├── EmptyUpload
│   └── UploadTooLarge
├── ImageError              the picture cannot be read
│   ├── UnsupportedImage
│   ├── DamagedImage
│   ├── TooManyPixels
│   ├── TooComplex
│   └── BlankImage
└── Declined                the work is not done, whatever the picture
    ├── SelfTestFailed
    ├── Expired
    ├── OutOfTime
    ├── Busy
    └── Abandoned
"""


class DlflaskError(Exception):
    """Every error that this package raises on purpose. The message is for the person who asked."""


class ConfigError(DlflaskError):
    """A `DLFLASK_*` variable has an unknown name or an impossible value."""


class ModelError(DlflaskError):
    """The model file is missing, unreadable, or not a digit classifier."""


class UploadError(DlflaskError):
    """The request does not carry exactly one picture of an acceptable size."""


class MissingUpload(UploadError):
    """No part of the form, and no body, holds a picture."""


class TooManyUploads(UploadError):
    """More than one picture where one is read."""


class InvalidJson(UploadError):
    """The body is said to be JSON and is none, or not of the form that is read."""


class InvalidBase64(UploadError):
    """A picture in JSON is not a string of base64."""


class InvalidInferRequest(UploadError):
    """The body is no request of the Open Inference Protocol that this model can answer."""


class EmptyUpload(UploadError):
    """The picture has no bytes."""


class UploadTooLarge(UploadError):
    """The picture has more bytes than the service takes."""


class ImageError(DlflaskError):
    """The bytes are there, but no digit can be read from them."""


class UnsupportedImage(ImageError):
    """The bytes are not in a picture format that the service reads."""


class DamagedImage(ImageError):
    """The bytes begin like a picture and do not hold one: cut off or corrupted."""


class TooManyPixels(ImageError):
    """The header announces more pixels than the service decodes."""


class TooComplex(ImageError):
    """Decoding the image takes more CPU time or memory than the service gives one image."""


class BlankImage(ImageError):
    """The picture was decoded and shows no ink."""


class Declined(DlflaskError):
    """The service leaves this work undone."""


class SelfTestFailed(Declined):
    """The worker failed its self-test: its answers are not to be trusted."""


class Expired(Declined):
    """The request waited so long that nobody is likely to want its answer."""


class OutOfTime(Declined):
    """The pictures before this one took all the time that a request is given."""


class Busy(Declined):
    """The worker is decoding a large image, and another one waits for its turn already."""


class Abandoned(Declined):
    """The client closed the connection before its answer was computed."""
