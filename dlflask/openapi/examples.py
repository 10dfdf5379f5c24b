"""Bodies that can be sent as they stand."""

from __future__ import annotations

import base64
from typing import Any

from dlflask.config import ROOT
from dlflask.openapi.schemas import Schema, refer


def picture() -> str:
    """The page's sample of a 4, in base64."""
    return base64.b64encode((ROOT / "static" / "samples" / "4.png").read_bytes()).decode()


def example(name: str, value: dict[str, Any]) -> Schema:
    """A body of the schema `name`, with one that is answered by a 4."""
    return {"schema": refer(name), "examples": {"four": {"value": value}}}
