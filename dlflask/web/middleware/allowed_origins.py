"""Middleware that allows web pages of chosen origins to call the API from the browser (CORS).

Source: Fetch Standard, section 3.2, HTTP CORS protocol; RFC 6454, section 6.2, serialisation of an
origin.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dlflask.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: An origin, such as `https://app.example.org:8443`, or `capacitor://localhost` for a mobile app.
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[^\s/:@?#*\[\]]+|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?/?",
    re.IGNORECASE,
)

#: Ports that browsers leave out of an origin.
_DEFAULT_PORTS = {"http": "80", "https": "443"}

#: Header of every response to an allowed origin. Scripts may then read all headers of the response.
_READABLE = [("Access-Control-Expose-Headers", "*")]

#: Headers of the response to a preflight request. A browser sends a preflight request before a POST
#: with custom headers or media types. The browser may store the response for an hour. Cookies are
#: not allowed, because the service does not use them.
_PREFLIGHT = [
    ("Access-Control-Allow-Methods", "GET, POST"),
    ("Access-Control-Allow-Headers", "*"),
    ("Access-Control-Max-Age", "3600"),
]


def allow_origins(application: WSGIApplication, allowed: Iterable[str]) -> WSGIApplication:
    """Wrap `application` so that web pages of the allowed origins may read its responses.

    The wrapper itself responds to preflight requests of allowed origins. It does not add CORS
    headers to responses to other origins. Browsers hide such responses from the pages.

    Args:
        application: Application for all requests except preflight requests of allowed origins.
        allowed: Allowed origins. If empty, `application` is returned unchanged.

    Raises:
        ConfigError: A value in `allowed` is not an origin.
    """
    origins = frozenset(map(_normalise, allowed))
    if not origins:
        return application

    def allowing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        origin = environ.get("HTTP_ORIGIN", "")
        # `Vary` tells caches not to use the response to one origin for another origin.
        headers = [("Vary", "Origin")]
        if origin in origins:
            headers.append(("Access-Control-Allow-Origin", origin))
            if _is_preflight(environ):
                start_response("204 No Content", [*headers, *_PREFLIGHT])
                return []
            headers += _READABLE

        def start(status: str, app_headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            return start_response(status, [*app_headers, *headers], *exc_info)

        return application(environ, start)

    return allowing


def _is_preflight(environ: WSGIEnvironment) -> bool:
    has_method = "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    return has_method and environ["REQUEST_METHOD"] == "OPTIONS"


def _normalise(allowed: str) -> str:
    """Return an allowed origin as browsers send it: ASCII, lower case, without a default port."""
    found = _ORIGIN.fullmatch(allowed)
    try:
        scheme, host, port = found.group("scheme", "host", "port") if found else ("", "", None)
        host = host if host.startswith("[") else host.encode("idna").decode("ascii")
    except UnicodeError:
        scheme = ""
    if not scheme:
        raise ConfigError(
            f"DLFLASK_ALLOWED_ORIGINS contains {allowed!r}, which is not an origin. Write "
            "origins such as https://app.example.org, each with its scheme, separated by commas."
        )
    scheme = scheme.lower()
    is_default = port is None or port == _DEFAULT_PORTS.get(scheme)
    return f"{scheme}://{host.lower()}{'' if is_default else f':{port}'}"
