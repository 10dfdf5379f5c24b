"""Images for schemathesis, which otherwise generates random bytes."""

import schemathesis
from hypothesis import strategies as st

from tests.conftest import encode
from tests.drawing import STROKES, draw_digit

_PICTURES = [encode(draw_digit(label, 40)) for label in STROKES]
_FILES = st.sampled_from(_PICTURES) | st.binary(max_size=100)

schemathesis.openapi.format("binary", _FILES)
for _kind in ("png", "jpeg", "webp", "gif", "bmp", "tiff", "avif", "heif"):
    schemathesis.openapi.media_type(f"image/{_kind}", _FILES)
schemathesis.openapi.media_type("application/octet-stream", st.binary(max_size=100))
