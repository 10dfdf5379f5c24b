"""Lists of allowed hosts and origins."""

import pytest

from tests.e2e.hardening.asking import ask_safely

pytestmark = pytest.mark.compose


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("digits.example.org:443", 200),
        ("evil.example", 400),
        ("127.0.0.1", 400),
    ],
)
def test_allowed_hosts(locked, host, status):
    assert ask_safely(locked, Host=host, X_API_Key="5f0c2b").status == status


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("https://app.example.org", "https://app.example.org"), ("https://evil.example", None)],
)
def test_allowed_origin_asks_without_key_and_sends_one(locked, origin, allowed):
    wanted = {"Origin": origin, "Access_Control_Request_Method": "POST"}

    preflight = ask_safely(locked, method="OPTIONS", **wanted)
    response = ask_safely(locked, X_API_Key="5f0c2b", Origin=origin)
    without_key = ask_safely(locked, Origin=origin)

    assert preflight.status == (204 if allowed else 200)
    assert response.status == 200
    assert without_key.status == 401
    for one in (preflight, response, without_key):
        assert one.headers.get_all("Access-Control-Allow-Origin", [None]) == [allowed]
