"""Load the OpenAPI document. Fill in the version, the settings and the types of problems."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dlflask import __version__
from dlflask.config import Config
from dlflask.errors import InvalidInferRequest
from dlflask.imaging.formats.signatures import FORMATS
from dlflask.problem_types import PROBLEMS, problem_type

_FILE = Path(__file__).with_name("openapi.json")


def document(config: Config) -> dict[str, Any]:
    """Return the OpenAPI document of a service with the settings `config`."""
    loaded: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    info = loaded["info"]
    info["version"] = __version__
    info["description"] = info["description"].format(
        formats=", ".join(FORMATS), max_upload=f"{config.max_upload_bytes / 1e6:.1f} MB"
    )
    responses = loaded["components"]["responses"]
    for error, (status, title) in PROBLEMS.items():
        # A problem type is the value of `type` in the JSON of an error (RFC 9457). Omit the type of
        # InvalidInferRequest: the error occurs only under /v2, where the JSON lacks this key.
        if error is not InvalidInferRequest:
            responses[str(int(status))]["description"] += f"\n- {title}: `{problem_type(error)}`"
    return loaded
