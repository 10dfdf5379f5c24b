"""Middleware that checks the header `Host` before Flask sees it.

Flask builds URLs from the host. A name that its codecs cannot read fails inside the error handlers,
where nothing is left to turn the exception into a response.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from werkzeug.exceptions import BadRequest

from dlflask.errors import ConfigError
from dlflask.web.middleware.environ import ERROR

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: Probes use the address of the machine, whatever names the service has.
_FOR_MACHINES = ("/livez", "/readyz", "/metrics")

#: A name of labels, with or without the last dot, or an IPv6 address; and a port. Underscores are
#: allowed because Docker's names of containers have them.
#: Source: RFC 9112, 3.2, and RFC 1035, 2.3.4.
_HOST = re.compile(
    r"(?:(?P<name>[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*)\.?|\[(?P<ipv6>[0-9a-f:.]+)\])"
    r"(?::[0-9]{0,5})?",
    re.IGNORECASE | re.ASCII,
)

#: 253 for the name, and a dot, a colon and a port.
_MAX_LENGTH = 260

#: Takes the place of an invalid host while the error is rendered.
_NEUTRAL = "localhost"


def check_hosts(
    application: WSGIApplication, refusing: WSGIApplication, allowed: Iterable[str]
) -> WSGIApplication:
    """Return `application`, asked only where the host is valid and allowed.

    Args:
        application: Responds to requests with a valid host, or without one, as in HTTP/1.0.
        refusing: Responds to the others with the error in the environ's `ERROR`.
        allowed: Names, and domains that begin with a dot; empty allows any.

    Raises:
        ConfigError: An allowed name is not a host name.
    """
    names = tuple(map(_normalise, allowed))

    def checked(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        host = environ.get("HTTP_HOST", "")
        fault = _find_fault(host, () if environ["PATH_INFO"] in _FOR_MACHINES else names)
        if fault is None:
            return application(environ, start_response)
        environ["HTTP_HOST"] = _NEUTRAL
        environ[ERROR] = BadRequest(fault)
        return refusing(environ, start_response)

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
            f"DLFLASK_ALLOWED_HOSTS holds {allowed!r}, which is not a host name. Write names such "
            "as digits.example.org, separated by commas."
        )
    return name if domain == allowed else f".{name}"


def _read_name(host: str) -> str | None:
    """Return the name in `host` in lower case, without port and last dot; None if it is invalid."""
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


def _find_fault(host: str, allowed: Collection[str]) -> str | None:
    name = _read_name(host) if host else ""
    if name is None:
        return (
            f"The header Host is {host[:80]!r}, which is not a host name. Send the name of this "
            "service, as in: Host: localhost:8000"
        )
    if allowed and not any(_matches(name, one) for one in allowed):
        return (
            f"The host name {host[:80]!r} is not one of DLFLASK_ALLOWED_HOSTS. Use the service's "
            "own name; to allow this one, add it to that setting and start the service again."
        )
    return None


def _matches(name: str, allowed: str) -> bool:
    """Return whether `name` is `allowed`, or lies in the domain that `allowed` stands for."""
    return name == allowed.removeprefix(".") or (allowed.startswith(".") and name.endswith(allowed))
