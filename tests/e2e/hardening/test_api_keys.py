"""API keys: rejected requests, hidden metrics, the page, a reload and logs."""

import base64
import json
import time

import pytest

from tests.e2e.hardening.asking import FOUR, PATH, ask_safely, log_of
from tests.e2e.page import visit, wait_for_status
from tests.serving import ROOT, ask

pytestmark = pytest.mark.compose


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="none"),
        pytest.param({"X_API_Key": "wrong"}, 401, id="wrong"),
        pytest.param({"X_API_Key": "alice"}, 401, id="a-name"),
        pytest.param({"X_API_Key": ""}, 401, id="empty"),
        pytest.param({"X_API_Key": "default"}, 401, id="a-word-of-nginx"),
        pytest.param({"X_API_Key": "5F0C2B"}, 401, id="in-capitals"),
        pytest.param({"X_API_Key": "5f0c2B"}, 401, id="one-capital"),
        pytest.param({"X_API_Key": "5f0c2b"}, 200, id="alices"),
        pytest.param({"X_API_Key": "77aa01"}, 200, id="bobs"),
    ],
)
def test_request_without_api_key_is_rejected(locked, headers, status):
    response = ask_safely(locked, **headers)

    assert response.status == status
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
    if status == 401:
        assert "X-API-Key" in json.loads(response.body)["detail"]


@pytest.mark.parametrize("path", ["/", PATH, f"{PATH}/reference", "/openapi.json"])
def test_page_and_reference_without_api_key(locked, path):
    assert ask_safely(locked, path).status == 200


def test_health_and_static_files_without_api_key(locked):
    assert ask_safely(locked, f"{PATH}/readyz").status == 200
    assert ask_safely(locked, f"{PATH}/static/page.js").status == 200
    assert ask_safely(locked, "/readyz").status == 200
    assert ask_safely(locked, "/static/page.js").status == 200
    assert ask(locked.port, "GET", "/livez").status == 200, "nor TLS, nor the right name"


@pytest.mark.parametrize(
    "path", ["/metrics", "//tools/digits//metrics", "/tools/digits/%6detrics", "/metrics%0a"]
)
def test_metrics_are_not_published_under_the_path(locked, path):
    path = path if path.startswith("//") else f"{PATH}{path.removeprefix(PATH)}"
    response = ask_safely(locked, path, X_API_Key="5f0c2b")

    assert response.status == 404
    assert b"dlflask_requests" not in response.body


def test_new_api_key_works_after_a_reload(locked):
    with locked.keys.open("a") as keys:
        keys.write("0badc0de carol;\n")
    before = ask_safely(locked, X_API_Key="0badc0de")

    locked.run("exec", "-T", "nginx", "nginx", "-s", "reload")

    assert before.status == 401
    deadline = time.monotonic() + 30
    while ask_safely(locked, X_API_Key="0badc0de").status != 200:
        assert time.monotonic() < deadline


@pytest.mark.browser
def test_page_asks_for_the_api_key(locked, browser):
    address = f"https://localhost:{locked.tls_port}{PATH}/"
    with visit(browser, address, ignore_https_errors=True) as page:
        page.set_input_files("#image", ROOT / "static" / "4.jpg")
        wait_for_status(page, "The service needs your API key.")
        page.fill("#key", "abc")
        page.keyboard.press("Enter")
        wait_for_status(page, "The service needs your API key.")
        page.fill("#key", "5f0c2b")
        page.click("#key-form button")
        wait_for_status(page, "This looks like a 4")

        assert page.locator("#key-form").is_hidden()


def test_request_id_in_logs_and_response(locked):
    request_id = ask_safely(locked, X_API_Key="5f0c2b").headers["X-Request-ID"]

    def logged(service):
        (line,), text = log_of(locked, service, request_id)
        assert "5f0c2b" not in text, "a key is never logged"
        assert base64.b64encode(FOUR[:60]).decode() not in text
        return line

    of_nginx, of_service = logged("nginx"), logged("api")
    assert of_nginx["request_id"] == of_service["request_id"] == request_id
    assert of_nginx["request"] == of_service["request"] == "POST /predictlabel"
    assert of_nginx["status"] == of_service["status"] == 200
    assert of_nginx["client"] == of_service["client"]
    assert of_nginx["key"] == "alice"
