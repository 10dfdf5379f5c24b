"""Views of the OpenAPI document: as JSON, and as a page."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, json, render_template, request

from dlflask.web.openapi.document import document
from dlflask.web.state import current_state

blueprint = Blueprint("reference", __name__)

#: Statuses that every address can return. The document describes them only as components, not in
#: each operation.
ANYWHERE = ("404", "405")

#: Maximum length in characters of a text in an example. A longer text, such as base64, is cut.
MAX_TEXT = 200

#: Maximum length in characters of a line of an example. Lists and objects that fit into this length
#: stay on one line.
MAX_LINE = 80


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Return the OpenAPI document in the order of openapi.yaml."""
    return Response(json.dumps(_document(), sort_keys=False), mimetype="application/json")


@blueprint.get("/reference")
def reference() -> str:
    """Return the document as a page without scripts."""
    described = _document()

    def resolve(item: dict[str, Any]) -> dict[str, Any]:
        kind, name = item.get("$ref", "//").split("/")[-2:]
        found: dict[str, Any] = described["components"][kind][name] if name else item
        return found

    return render_template(
        "reference.html",
        api=described,
        articles=_articles(described),
        common=_common(described),
        resolve=resolve,
        format_example=_format_example,
    )


def _document() -> dict[str, Any]:
    described = document(current_state().config)
    described["servers"] = [{"url": f"{request.script_root}/"}]
    return described


def _operations(described: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path, operation)
        for path, item in described["paths"].items()
        for method, operation in item.items()
    ]


def _articles(described: dict[str, Any]) -> list[dict[str, Any]]:
    """Return each operation with its addresses.

    Operations that differ only in their ids are merged into one article with several addresses.
    """
    articles: dict[str, dict[str, Any]] = {}
    for method, path, operation in _operations(described):
        name = operation["operationId"]
        key = json.dumps(operation | {"operationId": ""})
        article = articles.setdefault(key, {"operation": operation, "addresses": []})
        article["addresses"].append((name, method, path))
    return list(articles.values())


def _common(described: dict[str, Any]) -> list[str]:
    """Return the statuses that have the same description in all operations.

    For example, NGINX can return 429 for every operation.
    """
    responses = [operation["responses"] for *_, operation in _operations(described)]
    return [*ANYWHERE] + [
        status
        for status, response in responses[0].items()
        if "$ref" in response and all(other.get(status) == response for other in responses)
    ]


def _format_example(example: Any, indent: str = "") -> str:
    """Return an example as indented JSON.

    Shorten long texts. Do not split lists of numbers, or lists and objects that fit into a line.
    """
    if isinstance(example, str):
        text = example if len(example) <= MAX_TEXT else f"{example[:24]}..."
        return json.dumps(text) if indent else text
    line = json.dumps(example, sort_keys=False)
    can_split = isinstance(example, dict) or (
        isinstance(example, list) and any(isinstance(item, (dict, list, str)) for item in example)
    )
    if not can_split or len(indent + line) <= MAX_LINE:
        return line
    inner = indent + "  "
    if isinstance(example, list):
        members, opening, closing = [_format_example(item, inner) for item in example], "[", "]"
    else:
        members = [
            f"{json.dumps(name)}: {_format_example(item, inner)}" for name, item in example.items()
        ]
        opening, closing = "{", "}"
    return f"{opening}\n{inner}" + f",\n{inner}".join(members) + f"\n{indent}{closing}"
