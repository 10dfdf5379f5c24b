"""Load the OpenAPI document and fill in what depends on the installation."""

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
    """Return the document of a service with these settings."""
    loaded: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    info = loaded["info"]
    info["version"] = __version__
    info["description"] = info["description"].format(
        formats=", ".join(FORMATS), max_upload=f"{config.max_upload_bytes / 1e6:.1f} MB"
    )
    responses = loaded["components"]["responses"]
    for error, (status, title) in PROBLEMS.items():
        # Only /v2 raises it, and responses there do not have problem types.
        if error is not InvalidInferRequest:
            responses[str(int(status))]["description"] += f"\n- {title}: `{problem_type(error)}`"
    return loaded
