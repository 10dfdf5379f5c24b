"""The views of the API's own description: the document, and the same to be read."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, json, render_template

from dlflask.openapi.document import document
from dlflask.service import current_service

blueprint = Blueprint("reference", __name__)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """The OpenAPI document, in the order in which it is written."""
    return Response(json.dumps(_document(), sort_keys=False), mimetype="application/json")


@blueprint.get("/reference")
def reference() -> str:
    """The document as a page, without any script."""
    described = _document()

    def resolve(one: dict[str, Any]) -> dict[str, Any]:
        kind, name = one.get("$ref", "//").split("/")[-2:]
        found: dict[str, Any] = described["components"][kind][name] if name else one
        return found

    return render_template("reference.html", api=described, resolve=resolve)


def _document() -> dict[str, Any]:
    return document(current_service().config)
