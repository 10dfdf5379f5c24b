"""Middleware that checks the header `Host` before Flask receives the request.

Flask builds URLs from the host. A host name that Python's codecs cannot decode would raise an
exception inside the error handlers. The client would then not get a response.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from werkzeug.exceptions import BadRequest

from dlflask.errors import ConfigError
from dlflask.web.middleware.environ import ERROR

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Paths that are served for any valid host, because health probes send the address of the machine
#: instead of a host name.
_FOR_PROBES = ("/livez", "/readyz", "/metrics")

#: Host name or IPv6 address, followed by an optional port. A name consists of labels separated by
#: dots, and may end with a dot. Underscores are allowed because Docker uses them in names of
#: containers.
#: Source: RFC 9112, section 3.2, and RFC 1035, section 2.3.4.
_HOST = re.compile(
    r"(?:(?P<name>[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*)\.?|\[(?P<ipv6>[0-9a-f:.]+)\])"
    r"(?::[0-9]{0,5})?",
    re.IGNORECASE | re.ASCII,
)

#: Maximum length of a host in characters: 253 for the name, 1 for the last dot, 1 for the colon and
#: 5 for the port.
_MAX_LENGTH = 260

#: Host name that replaces an invalid host while the error is rendered.
_PLACEHOLDER = "localhost"


def check_hosts(
    application: WSGIApplication, reject: WSGIApplication, allowed: Iterable[str]
) -> WSGIApplication:
    """Wrap `application` so that it receives only requests with a valid and allowed host.

    Args:
        application: Application for requests with a valid and allowed host. It also receives
            HTTP/1.0 requests without a host, if `allowed` is empty.
        reject: Application for all other requests. It renders the exception stored as `ERROR`.
        allowed: Host names, and domains that begin with a dot. If empty, any name is allowed.

    Raises:
        ConfigError: An allowed name is not a host name.
    """
    names = tuple(map(_normalise, allowed))

    def checked(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        host = environ.get("HTTP_HOST", "")
        error = _find_error(host, () if environ["PATH_INFO"] in _FOR_PROBES else names)
        if error is None:
            return application(environ, start_response)
        environ["HTTP_HOST"] = _PLACEHOLDER
        environ[ERROR] = BadRequest(error)
        return reject(environ, start_response)

    return checked


def _normalise(allowed: str) -> str:
    """Return an allowed name as browsers send it: in ASCII and lower case."""
    domain = allowed.removeprefix(".")
    try:
        name = _read_name(domain.encode("idna").decode("ascii"))
    except UnicodeError:
        name = None
    if name is None:
        raise ConfigError(
            f"DLFLASK_ALLOWED_HOSTS contains {allowed!r}, which is not a host name. Write names "
            "such as digits.example.org, separated by commas."
        )
    return name if domain == allowed else f".{name}"


def _read_name(host: str) -> str | None:
    """Return the name in `host`, in lower case, without port and last dot. None if not valid."""
    found = _HOST.fullmatch(host) if len(host) <= _MAX_LENGTH else None
    if found is None:
        return None
    name, ipv6 = found.groups()
    if ipv6 is None:
        return str(name).lower()
    try:
        return f"[{IPv6Address(ipv6)}]"
    except ValueError:
        return None


@lru_cache(maxsize=64)  # clients send few different names, and one check takes 3 µs
def _find_error(host: str, allowed: tuple[str, ...]) -> str | None:
    """Return the reason why `host` is rejected, or None if it is accepted."""
    name = _read_name(host) if host else ""
    if name is None:
        return (
            f"The header Host is {host[:80]!r}, which is not a host name. Send the name of this "
            "service, as in: Host: localhost:8000"
        )
    if allowed and not any(_matches(name, allowed_name) for allowed_name in allowed):
        return (
            f"The host name {host[:80]!r} is not in DLFLASK_ALLOWED_HOSTS. Use a name of the "
            "service, or add this name to DLFLASK_ALLOWED_HOSTS and restart the service."
        )
    return None


def _matches(name: str, allowed: str) -> bool:
    """Return True if `name` is `allowed` or is in the domain `allowed`."""
    return name == allowed.removeprefix(".") or (allowed.startswith(".") and name.endswith(allowed))
