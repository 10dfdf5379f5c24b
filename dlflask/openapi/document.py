"""The parts joined: one document, OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from dlflask import __version__
from dlflask.config import Config
from dlflask.image import FORMATS
from dlflask.openapi.examples import example, picture
from dlflask.openapi.protocol import protocol_paths
from dlflask.openapi.responses import (
    Responses,
    by_nginx,
    headers,
    problems,
    response,
    success,
)
from dlflask.openapi.schemas import SCHEMAS, TEXT, Schema, refer
from dlflask.upload import MAX_DETAILED, MAX_UPLOADS, PART_NAMES

_FILE: Schema = {"type": "string", "format": "binary", "description": "A picture file."}

#: Media types of FORMATS; any image/* is taken, and told by its content.
MEDIA_TYPES = [f"image/{name.lower()}" for name in FORMATS]

_REQUEST_ID = {
    "name": "X-Request-ID",
    "in": "header",
    "description": "8 to 64 of A-Z a-z 0-9 . _ - are passed on; anything else is replaced.",
    "schema": TEXT,
}

_DETAILS = {
    "name": "details",
    "in": "query",
    "description": "`1` adds the details; anything else does not.",
    "schema": TEXT,
    "examples": {"with": {"value": "1"}},
}

_SAMPLE: Schema = {
    "type": "string",
    "pattern": "^[0-9]$",
    "description": "One of the page's own pictures, instead of a picture.",
}


def document(config: Config) -> dict[str, Any]:
    """The document of a service with these settings."""
    megabytes = f"{config.max_upload_bytes / 1e6:.1f} MB"
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "dlflask",
            "version": __version__,
            "summary": "Recognises a handwritten digit in a picture.",
            "description": f"Pictures: {', '.join(FORMATS)}, up to {megabytes} each. Every fault "
            "is a problem (RFC 9457), under /v2 the protocol's error; an address that does not "
            "exist is 404, a method that is not allowed is 405 with `Allow`, a `Host` that is not "
            "a host name is 400.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "Pictures", "description": "A picture in, ten probabilities out."},
            {"name": "Open Inference Protocol", "description": "Version 2, for its clients."},
            {"name": "Health", "description": "For load balancers and orchestrators."},
            {"name": "Pages", "description": "For people."},
        ],
        "paths": {**_picture_paths(), **protocol_paths(), **_health_paths(), **_page_paths()},
        "components": {
            "schemas": SCHEMAS,
            "headers": headers(),
            "parameters": {"RequestId": _REQUEST_ID, "Details": _DETAILS},
            "responses": problems(404, 405),
        },
    }


def _operation(tag: str, name: str, summary: str, responses: Responses, **more: Any) -> Schema:
    return {
        "tags": [tag],
        "operationId": name,
        "summary": summary,
        **more,
        "responses": dict(sorted((by_nginx() | problems(500) | responses).items())),
    }


def _form(properties: dict[str, Schema], **more: Any) -> Schema:
    schema = {"type": "object", "properties": properties, "additionalProperties": True, **more}
    return {"schema": schema}


def _picture_paths() -> dict[str, Schema]:
    parameters = [refer("Details", "parameters"), refer("RequestId", "parameters")]
    raw: dict[str, Schema] = {media: {"schema": _FILE} for media in MEDIA_TYPES}
    one: dict[str, Schema] = {
        "multipart/form-data": _form(
            dict.fromkeys(PART_NAMES, _FILE),
            oneOf=[{"required": [name]} for name in PART_NAMES],
        ),
        "application/json": example("Image", {"image": picture()}),
    }
    # A list of one is on the wire what one is.
    files: Schema = {"items": _FILE, "minItems": 1, "maxItems": MAX_UPLOADS}
    files |= _FILE | {"type": ["array", "string"]}
    several: dict[str, Schema] = {
        "multipart/form-data": _form(
            dict.fromkeys(PART_NAMES, files),
            oneOf=[{"required": [name]} for name in PART_NAMES],
        ),
        "application/json": example("Images", {"images": [picture(), picture()]}),
    }
    return {
        "/predictlabel": {
            "post": _operation(
                "Pictures",
                "predictLabel",
                "Read the digit of one picture.",
                success("Prediction", "The ten probabilities.") | problems(),
                parameters=parameters,
                requestBody={"required": True, "content": one | raw},
            )
        },
        "/predictlabels": {
            "post": _operation(
                "Pictures",
                "predictLabels",
                f"Read the digits of up to {MAX_UPLOADS} pictures, {MAX_DETAILED} with details, by "
                "one pass.",
                success("Results", "Of each in the order sent, its answer or its problem.")
                | problems(),
                parameters=parameters,
                requestBody={"required": True, "content": several | raw},
            )
        },
    }


def _health_paths() -> dict[str, Schema]:
    starting = response(
        "Not now: `starting`, `draining` or `failed`.",
        {"application/json": refer("Status"), "application/problem+json": refer("Problem")},
    )
    ready = _operation(
        "Health", "ready", "Whether pictures can be read.", success("Status", "Yes.")
    )
    ready["responses"]["503"] = starting
    live = _operation("Health", "live", "Whether the process answers.", success("Status", "Yes."))
    metrics = _operation(
        "Health",
        "metrics",
        "What all workers have counted. Of the service only: NGINX answers 404.",
        {"200": response("Prometheus's text.", {"text/plain": TEXT}), **problems(404)},
    )
    return {"/livez": {"get": live}, "/readyz": {"get": ready}, "/metrics": {"get": metrics}}


def _page_paths() -> dict[str, Schema]:
    html = {"200": response("The page.", {"text/html": TEXT})}
    form = _form({"image": _FILE, "sample": _SAMPLE})
    schema: dict[str, Schema] = {"application/json": {"type": "object"}}
    static = {"200": response("The file.", {"*/*": {}}), **problems(404, page=True)}
    name = {"name": "filename", "in": "path", "required": True, "schema": TEXT}
    name |= {"examples": {"four": {"value": "4.jpg"}}}
    return {
        "/": {
            "get": _operation("Pages", "page", "The page.", html),
            "post": _operation(
                "Pages",
                "pageWithAnswer",
                "The page with the answer, for its form.",
                html | problems(page=True),
                requestBody={"required": True, "content": {"multipart/form-data": form}},
            ),
        },
        "/reference": {"get": _operation("Pages", "reference", "This, to be read.", html)},
        "/openapi.json": {
            "get": _operation(
                "Pages", "openapi", "This document.", {"200": response("OpenAPI 3.1.", schema)}
            )
        },
        "/static/{filename}": {
            "get": _operation("Pages", "static", "A file of the page.", static, parameters=[name])
        },
    }
