"""Middleware that reads the client's address, scheme, host and path from a trusted proxy's headers.

Any client can send these headers. The middleware ignores them unless the connection comes from an
address in DLFLASK_TRUSTED_PROXIES.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from dlflask.errors import ConfigError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Network = IPv4Network | IPv6Network

#: Value in the list of proxies that means every address.
ANY = "*"

#: Path under which a proxy publishes the service. Empty segments are not allowed, because in a link
#: to `//name` a browser takes `name` for a host, not for a path.
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)+", re.ASCII)

#: Maximum length in characters of an IP address with a port.
_MAX_ADDRESS_LENGTH = 54


def trust_proxies(
    application: WSGIApplication, trusted: Iterable[str], path_prefix: str
) -> WSGIApplication:
    """Wrap `application` so that it sees the request as the client sent it to the proxy.

    Args:
        application: Application that reads the client's address from `REMOTE_ADDR`, and the scheme,
            host and path prefix from `wsgi.url_scheme`, `HTTP_HOST` and `SCRIPT_NAME`.
        trusted: Addresses and networks of proxies, or `*` for every address.
        path_prefix: Path under which the proxy publishes the service, such as `/tools/digits`. A
            last slash is ignored. The wrapper removes this prefix from the path of the request if
            the proxy has not removed it.

    Raises:
        ConfigError: `trusted` or `path_prefix` is not valid.
    """
    names = tuple(trusted)
    networks = _parse_networks(names)
    trusts_any = ANY in names
    prefix = _parse_prefix(path_prefix)
    if not names and not prefix:
        return application

    @lru_cache(maxsize=1024)
    def is_listed(text: str) -> bool:
        address = _read_address(text)
        return bool(address) and any(ip_address(address) in network for network in networks)

    def forwarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        script_name = ""
        peer = environ.get("REMOTE_ADDR", "")
        if trusts_any or is_listed(peer):
            client = _find_client(environ.get("HTTP_X_FORWARDED_FOR", ""), is_listed)
            environ["REMOTE_ADDR"] = client or peer
            script_name = _apply_headers(environ)
        path = environ["PATH_INFO"]
        if prefix and f"{path}/".startswith(f"{prefix}/"):
            environ["PATH_INFO"] = path[len(prefix) :] or "/"
        environ["SCRIPT_NAME"] = script_name or prefix
        return application(environ, start_response)

    return forwarded


def _parse_networks(names: Iterable[str]) -> list[Network]:
    try:
        return [ip_network(name, strict=False) for name in names if name != ANY]
    except ValueError as error:
        raise ConfigError(
            f"DLFLASK_TRUSTED_PROXIES is {','.join(names)!r}, which is not a list of addresses and "
            f"networks ({error}). Write addresses and networks such as 10.0.0.7 or 10.0.0.0/8, "
            "separated by commas, or * for every address."
        ) from error


def _parse_prefix(text: str) -> str:
    prefix = text.rstrip("/")
    if prefix and not _PREFIX.fullmatch(prefix):
        raise ConfigError(
            f"DLFLASK_PATH_PREFIX is {text!r}; expected a path that starts with /, such as "
            "/tools/digits. It may contain only letters, digits and the characters / . _ ~ -"
        )
    return prefix


def _find_client(forwarded_for: str, is_listed: Callable[[str], bool]) -> str:
    """Return the client's address from X-Forwarded-For, or an empty string if it is not valid.

    Each proxy appends the address from which it received the request. Counted from the end, the
    first address that is not a trusted proxy is the client. All addresses to its left may be
    forged.
    """
    client = ""
    for text in reversed(forwarded_for.split(",")):
        # Cut a very long text, because the cache stores it. `_read_address` rejects the cut text.
        address = _read_address(text.strip()[: _MAX_ADDRESS_LENGTH + 1])
        if not address:
            break
        client = address
        if not is_listed(client):
            break
    return client


@lru_cache(maxsize=1024)
def _read_address(text: str) -> str:
    """Return the IP address in a text such as `10.0.0.7:80` or `[::1]:80`, without the port.

    Returns:
        The address as the module `ipaddress` writes it, or an empty string if `text` is not an
        address.
    """
    if len(text) > _MAX_ADDRESS_LENGTH:
        return ""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    # A socket for both IPv4 and IPv6 reports 10.0.0.7 as ::ffff:10.0.0.7. Undo this mapping.
    return str(getattr(address, "ipv4_mapped", None) or address)


def _apply_headers(environ: WSGIEnvironment) -> str:
    """Set scheme and host from the proxy's headers. Return the prefix, empty if it is not valid."""
    scheme = _last_value(environ, "HTTP_X_FORWARDED_PROTO").lower()
    if scheme in ("http", "https"):
        environ["wsgi.url_scheme"] = scheme
    if host := _last_value(environ, "HTTP_X_FORWARDED_HOST"):
        environ["HTTP_HOST"] = host
    prefix = _last_value(environ, "HTTP_X_FORWARDED_PREFIX").rstrip("/")
    return prefix if prefix and _PREFIX.fullmatch(prefix) else ""


def _last_value(environ: WSGIEnvironment, name: str) -> str:
    """Return the last value of a header. The nearest proxy wrote the last value."""
    value: str = environ.get(name, "")
    return value and value.rpartition(",")[2].strip()
