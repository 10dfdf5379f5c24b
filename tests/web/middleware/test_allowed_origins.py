"""Pages of named origins may call the API from the browser; those of others may not."""

import pytest

from dlflask.config import Config
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.errors import ConfigError
from dlflask.web.app import create_app

APP, LOCAL = "https://app.example.org", "http://localhost:3000"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}


def create_client(classifier, *origins):
    return create_app(Config(allowed_origins=origins), DigitRecogniser(classifier)).test_client()


@pytest.fixture
def client(classifier):
    return create_client(classifier, APP, LOCAL)


#: Requests with the status of their response; the first is read by the fast path.
REQUESTS = {
    "fast": ("POST", "/predictlabel", 200),
    "details": ("POST", "/predictlabel?details=1", 200),
    "several": ("POST", "/predictlabels", 200),
    "page": ("GET", "/", 200),
    "static": ("GET", "/static/4.jpg", 200),
    "health": ("GET", "/readyz", 200),
    "protocol": ("GET", "/v2", 200),
    "unknown-address": ("POST", "/nowhere", 404),
    "unknown-method": ("PUT", "/predictlabel", 405),
    "invalid-tensor": ("POST", "/v2/models/mnist/infer", 400),
}


@pytest.mark.parametrize("origin", [APP, LOCAL])
@pytest.mark.parametrize("name", REQUESTS)
def test_allowed_origin_may_read_every_response(client, four_png, name, origin):
    method, path, status = REQUESTS[name]

    response = client.open(
        path,
        method=method,
        data=four_png,
        content_type="image/png",
        headers={"Origin": origin},
        buffered=True,
    )

    assert response.status_code == status
    assert response.headers.getlist("Access-Control-Allow-Origin") == [origin]
    assert response.headers["Access-Control-Expose-Headers"] == "*"
    assert "Origin" in response.headers.getlist("Vary")
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize(
    "path", ["/predictlabel", "/predictlabels", "/v2/models/mnist/infer", "/x"]
)
def test_preflight_of_allowed_origin_allows_post_with_any_header(client, path):
    response = client.options(path, headers={"Origin": APP, **PREFLIGHT})

    assert (response.status_code, response.data) == (204, b"")
    assert response.headers["Access-Control-Allow-Origin"] == APP
    assert response.headers["Access-Control-Allow-Methods"] == "GET, POST"
    assert response.headers["Access-Control-Allow-Headers"] == "*"
    assert "Origin" in response.headers.getlist("Vary")
    assert response.headers["X-Request-ID"]


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param("https://evil.example", id="another"),
        pytest.param("http://app.example.org", id="another-scheme"),
        pytest.param("https://app.example.org:8443", id="another-port"),
        pytest.param("https://app.example.org.evil.example", id="one-that-begins-like-it"),
        pytest.param("https://x.app.example.org", id="a-name-under-it"),
        pytest.param("null", id="a-file"),
        pytest.param("", id="empty"),
        pytest.param(None, id="none"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
def test_other_origin_gets_no_permission(client, four_png, origin, method):
    headers = PREFLIGHT | ({} if origin is None else {"Origin": origin})

    response = client.open(
        "/predictlabel", method=method, data=four_png, content_type="image/png", headers=headers
    )

    assert response.status_code == 200
    assert not [name for name, _ in response.headers if name.startswith("Access-Control")]
    assert "Origin" in response.headers.getlist("Vary")


def test_no_origin_is_allowed_by_default(classifier, four_png):
    client = create_client(classifier)

    for method in ("POST", "OPTIONS"):
        response = client.open(
            "/predictlabel",
            method=method,
            data=four_png,
            content_type="image/png",
            headers={"Origin": APP, **PREFLIGHT},
        )
        assert not [name for name, _ in response.headers if name.startswith("Access-Control")]
        assert "Origin" not in response.headers.getlist("Vary")


@pytest.mark.parametrize(
    ("setting", "origin"),
    [
        ("HTTPS://App.Example.ORG", "https://app.example.org"),
        ("https://app.example.org/", "https://app.example.org"),
        ("https://app.example.org:443", "https://app.example.org"),
        ("http://app.example.org:80", "http://app.example.org"),
        ("http://app.example.org:443", "http://app.example.org:443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://10.0.0.7:8000", "http://10.0.0.7:8000"),
        ("capacitor://localhost", "capacitor://localhost"),
    ],
)
def test_setting_is_compared_as_browsers_send_origins(classifier, setting, origin):
    response = create_client(classifier, setting).get("/livez", headers={"Origin": origin})

    assert response.headers["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize(
    "setting",
    [
        *("*", "null", "app.example.org", "app.example.org:3000", "https://", "https://*.example"),
        *("https://app.example.org/page", "https://user@app.example.org", "//app.example.org"),
        *("https://app.example.org?x", "https://" + "a" * 64 + ".example", "https://a..b"),
    ],
)
def test_setting_that_is_not_an_origin_stops_the_start(classifier, setting):
    with pytest.raises(ConfigError, match="DLFLASK_ALLOWED_ORIGINS contains") as caught:
        create_client(classifier, setting)

    assert repr(setting) in str(caught.value)
    assert "such as https://app.example.org" in str(caught.value)


def test_setting_is_read_from_environment():
    variables = {"DLFLASK_ALLOWED_ORIGINS": f"{APP}, {LOCAL}"}

    assert Config.from_environment(variables).allowed_origins == (APP, LOCAL)
    assert Config.from_environment({"DLFLASK_ALLOWED_ORIGINS": ""}).allowed_origins == ()
