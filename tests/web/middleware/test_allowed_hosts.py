import logging

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from dlflask.config import Config
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.errors import ConfigError
from dlflask.web.app import create_app

HOSTS = ("digits.example.org", ".example.net")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        pytest.param("digits.example.org", 200, id="named"),
        pytest.param("digits.example.org:8443", 200, id="with-a-port"),
        pytest.param("a.b.example.net", 200, id="under-a-domain"),
        pytest.param("evil.example", 400, id="another"),
        pytest.param("example.org.evil.example", 400, id="one-that-contains-it"),
        pytest.param("10.0.0.7:8000", 400, id="an-address"),
        pytest.param("DIGITS.example.ORG", 200, id="in-capitals"),
        pytest.param("digits.example.org.", 200, id="with-the-last-dot"),
        pytest.param("digits.example.org.:8443", 200, id="with-the-last-dot-and-a-port"),
        pytest.param("A.Example.Net.", 200, id="under-a-domain-in-capitals"),
        pytest.param("digits.example.org..", 400, id="with-two-dots"),
        pytest.param("notexample.net", 400, id="one-that-ends-like-a-domain"),
        pytest.param("", 400, id="empty"),
    ],
)
def test_check_hosts_accepts_only_allowed_names(classifier, host, status):
    client = create_app(Config(allowed_hosts=HOSTS), DigitRecogniser(classifier)).test_client()

    response = client.get("/", headers={"Host": host})

    assert response.status_code == status


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_check_hosts_accepts_probes_by_address(classifier, path):
    client = create_app(Config(allowed_hosts=HOSTS), DigitRecogniser(classifier)).test_client()

    assert client.get(path, headers={"Host": "10.0.0.7:8000"}).status_code == 200


def test_check_hosts_accepts_any_name_by_default(client):
    assert client.get("/", headers={"Host": "whatever.example"}).status_code == 200


@pytest.mark.parametrize("allowed", ["Localhost", "localhost.", "LOCALHOST:8000", "[::1]"])
@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "localhost.", "[0:0::1]:8000"])
def test_check_hosts_ignores_case_last_dot_and_port(classifier, allowed, host):
    client = create_app(Config(allowed_hosts=(allowed,)), DigitRecogniser(classifier)).test_client()

    response = client.get("/", headers={"Host": host})

    assert response.status_code == (200 if host.startswith("[") == allowed.startswith("[") else 400)


def test_check_hosts_compares_unicode_names_in_ascii(classifier):
    client = create_app(
        Config(allowed_hosts=("ziffern.bücher.example",)), DigitRecogniser(classifier)
    ).test_client()

    response = client.get("/", headers={"Host": "ziffern.xn--bcher-kva.example"})

    assert response.status_code == 200


@pytest.mark.parametrize("name", ["a b", "", ".", "a" * 64, "http://digits.example"])
def test_check_hosts_with_invalid_allowed_name_raises(classifier, name):
    with pytest.raises(ConfigError, match="DLFLASK_ALLOWED_HOSTS"):
        create_app(Config(allowed_hosts=(name,)), DigitRecogniser(classifier))


#: Hosts from which a URL cannot be built, by Flask or at all.
INVALID = {
    "label-of-64": "a" * 64,
    "300-letters": ".".join(["abc"] * 75),
    "dot": ".",
    "dots": "..",
    "empty-label": "x..y",
    "space": "a b",
    "path": "evil/path",
    "user": "a@b",
    "star": "*",
    "list": "a,b",
    "not-ascii": "ä.example",
    "port-in-letters": "a:b",
    "port-twice": "a:1:2",
    "bracket": "[::1",
    "not-ipv6": "[..]",
    "ipv6-of-nothing": "[1.2:3]",
}

#: Valid, though Python's IDNA codec cannot read some of them.
VALID = ("localhost", "a_b", "a:", "[::1]:80", "xn--0", "xn--a--", "xn--strae-oqa.de", "a" * 63)


def get(app, path, host, accept="text/html"):
    """Return status, headers and body of a GET. The test client would reject some of the hosts."""
    environ = EnvironBuilder(path, headers={"Accept": accept}).get_environ()
    environ["HTTP_HOST"] = host
    chunks, status, headers = run_wsgi_app(app.wsgi_app, environ, buffered=True)
    return int(status[:3]), headers, b"".join(chunks).decode()


@pytest.mark.parametrize("host", INVALID.values(), ids=INVALID)
@pytest.mark.parametrize("path", ["/", "/nowhere", "/reference", "//predictlabel", "/livez"])
def test_invalid_host_returns_400_without_log_entry(app, caplog, path, host):
    with caplog.at_level(logging.WARNING):
        status, headers, text = get(app, path, host)
        problem_status, _, problem = get(app, path, host, "application/json")

    assert (status, problem_status) == (400, 400)
    assert headers["X-Request-ID"]
    assert "<title>" in text
    assert "is not a host name" in text
    assert "is not a host name" in problem
    assert not caplog.records, "a bad request is not an error of the service"


@pytest.mark.parametrize("host", VALID)
def test_valid_host_is_accepted(app, host):
    assert get(app, "/", host)[0] == 200
    assert get(app, "/nowhere", host)[0] == 404
    assert get(app, "/reference", host)[0] == 200
    assert get(app, "//predictlabel", host)[0] < 400


def test_page_shows_host_of_the_request(app):
    assert "http://digits.example:8080/predictlabel" in get(app, "/", "digits.example:8080")[2]


def test_allowed_hosts_are_read_from_environment():
    config = Config.from_environment({"DLFLASK_ALLOWED_HOSTS": "a.example, .b.example,,"})

    assert config.allowed_hosts == ("a.example", ".b.example")
    assert Config.from_environment({"DLFLASK_ALLOWED_HOSTS": ""}).allowed_hosts == ()
