import re

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from dlflask.config import Config
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.errors import ConfigError
from dlflask.web.app import create_app
from dlflask.web.middleware.trusted_proxies import trust_proxies

FORWARDED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "digits.example",
    "X-Forwarded-Prefix": "/tools/digits",
}


def environ_of(peer, headers, path="/"):
    environ = EnvironBuilder(path, base_url="http://localhost:8000", headers=headers).get_environ()
    environ["REMOTE_ADDR"] = peer
    return environ


def seen(trusted, peer, headers, path="/", prefix=""):
    """Return the address, scheme, host, prefix and path that the application sees."""
    names = ("REMOTE_ADDR", "wsgi.url_scheme", "HTTP_HOST", "SCRIPT_NAME", "PATH_INFO")
    application = trust_proxies(
        lambda environ, _: tuple(environ[name] for name in names), trusted, prefix
    )
    return application(environ_of(peer, headers, path), None)


@pytest.mark.parametrize(
    "trusted",
    [
        pytest.param(("10.0.0.7",), id="address"),
        pytest.param(("192.0.2.1", "10.0.0.0/8"), id="network"),
        pytest.param(("*",), id="every-address"),
    ],
)
def test_trust_proxies_from_trusted_address_uses_headers(trusted):
    assert seen(trusted, "10.0.0.7", FORWARDED) == (
        *("203.0.113.9", "https", "digits.example", "/tools/digits", "/"),
    )


@pytest.mark.parametrize(
    ("trusted", "peer"),
    [
        pytest.param((), "127.0.0.1", id="no-setting"),
        pytest.param(("10.0.0.0/8",), "127.0.0.1", id="this-machine"),
        pytest.param(("10.0.0.0/8",), "11.0.0.1", id="another-address"),
        pytest.param(("10.0.0.0/8",), "", id="unix-socket"),
    ],
)
def test_trust_proxies_from_other_address_ignores_headers(trusted, peer):
    assert seen(trusted, peer, FORWARDED) == (peer, "http", "localhost:8000", "", "/")


@pytest.mark.parametrize(
    ("forwarded_for", "client"),
    [
        pytest.param("203.0.113.9", "203.0.113.9", id="one"),
        pytest.param("1.1.1.1, 203.0.113.9", "203.0.113.9", id="after-a-forged-one"),
        pytest.param("1.1.1.1, 203.0.113.9, 10.0.0.8", "203.0.113.9", id="through-two-proxies"),
        pytest.param("10.0.0.9, 10.0.0.8", "10.0.0.9", id="proxies-only"),
        pytest.param("203.0.113.9:4711", "203.0.113.9", id="with-a-port"),
        pytest.param("[2001:db8::1]:4711", "2001:db8::1", id="ipv6-with-a-port"),
        pytest.param("::ffff:203.0.113.9", "203.0.113.9", id="ipv4-in-ipv6"),
        pytest.param("203.0.113.9, unknown", "10.0.0.7", id="without-an-address"),
        pytest.param("x" * 8_000, "10.0.0.7", id="long"),
        pytest.param("", "10.0.0.7", id="empty"),
    ],
)
def test_trust_proxies_finds_the_client(forwarded_for, client):
    headers = {"X-Forwarded-For": forwarded_for}

    assert seen(("10.0.0.0/8",), "10.0.0.7", headers)[0] == client


def test_trust_proxies_of_every_address_uses_last_address_only():
    headers = {"X-Forwarded-For": "1.1.1.1, 10.0.0.8"}

    assert seen(("*",), "10.0.0.7", headers)[0] == "10.0.0.8"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Proto": "javascript"},
        {"X-Forwarded-Prefix": "//evil.example"},
        {"X-Forwarded-Prefix": "/\\evil.example"},
        {"X-Forwarded-Prefix": "evil.example"},
        {"X-Forwarded-Prefix": '/"><script>'},
        {"X-Forwarded-Prefix": "/"},
        {"X-Forwarded-Host": ""},
    ],
)
def test_trust_proxies_ignores_invalid_values(headers):
    assert seen(("*",), "10.0.0.7", headers) == ("10.0.0.7", "http", "localhost:8000", "", "/")


def test_trust_proxies_uses_values_of_the_nearest_proxy():
    headers = {
        "X-Forwarded-Host": "forged.example, digits.example",
        "X-Forwarded-Proto": "a, HTTPS",
    }

    assert seen(("*",), "10.0.0.7", headers)[1:3] == ("https", "digits.example")


@pytest.mark.parametrize(
    ("path", "inner"),
    [
        ("/tools/digits/predictlabel", "/predictlabel"),
        ("/tools/digits/", "/"),
        ("/tools/digits", "/"),
        ("/predictlabel", "/predictlabel"),
        ("/tools/digitsandmore", "/tools/digitsandmore"),
        ("/readyz", "/readyz"),
    ],
)
@pytest.mark.parametrize("prefix", ["/tools/digits", "/tools/digits/"])
def test_trust_proxies_removes_path_prefix(prefix, path, inner):
    assert seen((), "10.0.0.7", {}, path, prefix)[3:] == ("/tools/digits", inner)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"trusted_proxies": ("proxy.example",)}, "DLFLASK_TRUSTED_PROXIES"),
        ({"trusted_proxies": ("10.0.0.0/33",)}, "DLFLASK_TRUSTED_PROXIES"),
        ({"path_prefix": "tools"}, "DLFLASK_PATH_PREFIX"),
        ({"path_prefix": "//tools"}, "DLFLASK_PATH_PREFIX"),
        ({"path_prefix": "/a b"}, "DLFLASK_PATH_PREFIX"),
    ],
)
def test_trust_proxies_with_invalid_setting_raises(classifier, settings, name):
    with pytest.raises(ConfigError, match=name):
        create_app(Config(**settings), DigitRecogniser(classifier))


@pytest.fixture
def get(classifier):
    app = create_app(Config(trusted_proxies=("10.0.0.7",)), DigitRecogniser(classifier))

    def get(peer, path="/", accept="text/html", **more):
        environ = environ_of(peer, FORWARDED | more | {"Accept": accept}, path)
        chunks, status, _ = run_wsgi_app(app.wsgi_app, environ, buffered=True)
        return int(status[:3]), b"".join(chunks).decode()

    return get


def links(page):
    return set(re.findall(r'(?:src|href|action)="([^"#]+)', page))


@pytest.mark.parametrize("path", ["/", "/reference", "/no/such/address"])
def test_page_behind_trusted_proxy_has_its_addresses(get, path):
    _, page = get("10.0.0.7", path)

    assert links(page)
    assert all(link.startswith("/tools/digits/") for link in links(page))
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://digits.example/tools/digits/predictlabel" in page


def test_page_ignores_forged_headers(get):
    _, page = get("10.0.0.8")

    assert "digits.example" not in page
    assert "/tools" not in page
    assert "http://localhost:8000/predictlabel" in page


def test_openapi_names_the_path_as_server(get):
    assert '"servers": [{"url": "/tools/digits/"}]' in get("10.0.0.7", "/openapi.json")[1]
    assert '"servers": [{"url": "/"}]' in get("10.0.0.8", "/openapi.json")[1]


def test_unknown_address_is_named_with_its_path(get):
    _, problem = get("10.0.0.7", "/none", accept="application/json")

    assert "/tools/digits/none does not exist. The page is at /tools/digits/. The" in problem


def test_forwarded_host_must_be_valid(get):
    status, page = get("10.0.0.7", **{"X-Forwarded-Host": "a b"})

    assert status == 400
    assert "is not a host name" in page
