"""What is answered: successes, the problems of each status, and what NGINX says by itself."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from dlflask.errors import DlflaskError, InvalidInferRequest
from dlflask.openapi.schemas import TEXT, Schema, refer
from dlflask.problems import PROBLEMS, problem_type

Responses = dict[str, Schema]

PROBLEM = "application/problem+json"

HEADERS: dict[str, Schema] = {
    "X-Request-ID": {
        "description": "The request's own id, if 8 to 64 of A-Z a-z 0-9 . _ - came; else a new one."
    },
    "X-Model-SHA256": {"description": "The first 12 hexadecimal digits of the model file's."},
    "X-Preprocessing": {"description": "The version of what makes a picture a tensor."},
    "X-Content-Type-Options": {"description": "`nosniff`"},
    "Content-Security-Policy": {"description": "Scripts, styles and pictures of this host only."},
    "Cross-Origin-Opener-Policy": {"description": "`same-origin`"},
    "Cross-Origin-Resource-Policy": {"description": "`same-origin`"},
    "Permissions-Policy": {"description": "The camera for this host; nothing else."},
    "Referrer-Policy": {"description": "`no-referrer`"},
    "Allow": {"description": "The methods that are."},
    "Retry-After": {"description": "Seconds to wait before the next try."},
    "Inference-Header-Content-Length": {"description": "Where the JSON ends and binary begins."},
}

#: On every answer of the service, and on those that NGINX gives in its place.
ALWAYS = tuple(HEADERS)[:9]
ALWAYS_NGINX = tuple(name for name in ALWAYS if name not in ("X-Model-SHA256", "X-Preprocessing"))

#: Statuses that also come for faults without a type of their own.
_PLAIN = {
    HTTPStatus.BAD_REQUEST: "The form cannot be read.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request is over the limit.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is neither a form nor JSON nor a picture.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The service failed on this request.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The service is starting or busy. By NGINX.",
}

_NGINX = {
    "401": "A key is needed, where keys are switched on.",
    "408": "The request did not arrive in time.",
    "429": "Too many requests from one address.",
    "431": "The address or the headers are too long.",
    "503": "The service is starting or busy.",
    "504": "The service took over 10 seconds.",
}


def headers() -> dict[str, Schema]:
    """The headers as components."""
    optional = ("Allow", "Retry-After", "Inference-Header-Content-Length")
    return {
        name: about | {"schema": TEXT} | ({} if name in optional else {"required": True})
        for name, about in HEADERS.items()
    }


def response(description: str, content: dict[str, Schema], named: Iterable[str] = ALWAYS) -> Schema:
    """One answer: its media types with their schemas, and its headers."""
    return {
        "description": description,
        "headers": {name: refer(name, "headers") for name in named},
        "content": {media: {"schema": schema} for media, schema in content.items()},
    }


def success(name: str, description: str) -> Responses:
    """200 with JSON of the schema `name`."""
    return {"200": response(description, {"application/json": refer(name)})}


def problems(*statuses: int, page: bool = False) -> Responses:
    """The answers of these statuses, each with every type of problem it may have.

    Args:
        statuses: All that are in the table if none is named.
        page: Whether a browser is given the page instead.
    """
    named = [*map(HTTPStatus, statuses)] or sorted({status for status, _ in PROBLEMS.values()})
    return {str(int(status)): _problem(status, page=page) for status in named}


def _problem(status: HTTPStatus, *, page: bool) -> Schema:
    kinds = {
        problem_type(error): title
        for error, (its_status, title) in PROBLEMS.items()
        if its_status == status and error is not InvalidInferRequest
    }
    plain = {} if kinds and status not in _PLAIN else {"about:blank": _plain(status)}
    lines = [f"{title.rstrip('.')}: `{kind}`." for kind, title in (kinds | plain).items()]
    narrowed: dict[str, Any] = {
        "type": {"enum": [*kinds, *plain]},
        "status": {"const": int(status)},
    }
    content: dict[str, Schema] = {PROBLEM: {"allOf": [refer("Problem"), {"properties": narrowed}]}}
    if page:
        content["text/html"] = TEXT
    return response(" ".join(lines), content, _names(status))


def _names(status: HTTPStatus) -> tuple[str, ...]:
    """The headers of a fault."""
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return (*ALWAYS, "Allow")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:  # from the service or from NGINX
        return (*ALWAYS_NGINX, "Retry-After")
    return ALWAYS


def _plain(status: HTTPStatus) -> str:
    return _PLAIN.get(status, status.description or status.phrase)


def by_nginx() -> Responses:
    """What NGINX answers where the service does not."""
    return {
        status: response(
            f"{why} By NGINX.",
            {PROBLEM: refer("Problem")},
            (*ALWAYS_NGINX, "Retry-After") if status in ("429", "503") else ALWAYS_NGINX,
        )
        for status, why in _NGINX.items()
    }


def infer_errors() -> Responses:
    """The faults of an inference request, in the protocol's form."""
    found: dict[HTTPStatus, list[str]] = {}
    kinds: Iterable[tuple[type[DlflaskError], tuple[HTTPStatus, str]]] = PROBLEMS.items()
    for _, (status, title) in kinds:
        found.setdefault(status, []).append(title)
    return {
        str(int(status)): response(
            ". ".join(titles) + ".", {"application/json": refer("InferError")}
        )
        for status, titles in sorted(found.items())
    }
