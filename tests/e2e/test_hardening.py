"""Hardening by NGINX: headers, versions, hidden paths, API keys, TLS and logs."""

import base64
import http.client
import json
import socket
import ssl
import subprocess
import time
import urllib.request
from contextlib import ExitStack, closing

import pytest

from tests.e2e.conftest import Stack
from tests.e2e.page import visit, wait_for_status
from tests.serving import ROOT, Response, ask, free_port

pytestmark = pytest.mark.compose

FOUR = (ROOT / "static" / "4.jpg").read_bytes()

PATH = "/tools/digits"

#: As a proxy sends them that received the request at https://digits.example.org/x/.
FORWARDED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "digits.example.org",
    "X-Forwarded-Prefix": "/x",
}

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}


def send(port, request):
    """Send raw bytes that a client library would not send."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return Response(response)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200, id="the-page"),
        pytest.param(b"GET /static/page.js HTTP/1.1\r\nHost: x\r\n\r\n", 200, id="static"),
        pytest.param(b"GET /static/none HTTP/1.1\r\nHost: x\r\n\r\n", 404, id="static-missing"),
        pytest.param(b"GET /static/ HTTP/1.1\r\nHost: x\r\n\r\n", 404, id="static-folder"),
        pytest.param(
            b"POST /static/page.js HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
            405,
            id="static-post",
        ),
        pytest.param(
            b"GET /static/page.js HTTP/1.1\r\nHost: x\r\nRange: bytes=9999999-\r\n\r\n",
            200,
            id="range",
        ),
        pytest.param(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 404, id="metrics"),
        pytest.param(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", 200, id="livez"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="no-host"),
        pytest.param(b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 505, id="version"),
        pytest.param(b"no HTTP\r\n\r\n", 400, id="no-http"),
        pytest.param(b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431, id="address"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 40_000 + b"\r\n\r\n", 431, id="header"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", 413, id="large"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501, id="encoding"
        ),
    ],
)
def test_responses_have_security_headers_and_no_version(stack, request_bytes, status):
    response = send(stack.port, request_bytes)

    assert response.status == status
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert len(response.headers.get_all("Content-Security-Policy")) == 1
    assert len(response.headers.get_all("X-Request-ID")) == 1
    assert response.headers["Server"] == "nginx"
    assert b"nginx/" not in response.body
    if status >= 400:
        assert response.headers["Content-Type"] == "application/problem+json"
        assert json.loads(response.body)["status"] == status


@pytest.mark.parametrize(
    "path",
    [
        *("/metrics", "/metrics/", "//metrics", "/./metrics", "/x/../metrics", "/metrics?x=1"),
        *("/%6detrics", "/metrics%2f", "/METRICS", "/metrics;x", "/static/../metrics"),
    ],
)
def test_metrics_are_not_published_under_any_spelling(stack, path):
    response = send(stack.port, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    assert response.status == 404
    assert b"dlflask_requests" not in response.body


def test_metrics_are_available_inside(stack):
    assert "dlflask_workers" in stack.counters()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Create a folder with a self-signed certificate for localhost."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    folder.chmod(0o755)
    for file in folder.iterdir():
        file.chmod(0o644)
    return folder


@pytest.fixture(scope="module")
def locked(any_compose, clone, certificate):
    """Start the containers with API keys, TLS, allowed hosts, a path and access log."""
    keys = certificate / "keys.txt"
    keys.write_text("5f0c2b alice;\n77aa01 bob;\n")
    keys.chmod(0o644)
    tls_port = free_port()
    stack = Stack(
        any_compose,
        clone,
        "locked",
        (
            *("docker-compose.yml", "docker-compose.override.yml"),
            *("nginx/api-keys.yml", "nginx/tls.yml"),
        ),
        DLFLASK_API_KEYS=str(keys),
        DLFLASK_TLS_FOLDER=str(certificate),
        DLFLASK_TLS_PORT=str(tls_port),
        DLFLASK_ALLOWED_HOSTS="localhost, digits.example.org",
        DLFLASK_ALLOWED_ORIGINS="https://app.example.org",
        DLFLASK_TRUSTED_PROXIES="0.0.0.0/0",
        DLFLASK_PATH_PREFIX=PATH,
        GUNICORN_CMD_ARGS="--access-logfile=-",
    )
    stack.tls_port = tls_port
    stack.keys = keys
    stack.certificate = certificate / "cert.pem"
    with stack.up():
        yield stack


def log_of(stack, service, request_id):
    """Return the lines about a request in a container's log, and the whole log."""
    name = stack.container(service)
    text = subprocess.run(["docker", "logs", name], capture_output=True, text=True, check=True)
    lines = [line for line in text.stdout.splitlines() if request_id in line]
    return [json.loads(line) for line in lines], text.stdout + text.stderr


def ask_safely(stack, path="/predictlabel", method=None, **headers):
    """Send a request over TLS and check the certificate."""
    context = ssl.create_default_context(cafile=stack.certificate)
    connection = http.client.HTTPSConnection(
        "localhost", stack.tls_port, timeout=30, context=context
    )
    with closing(connection):
        body = FOUR if path == "/predictlabel" else None
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(
            method or ("POST" if body else "GET"),
            path,
            body,
            {"Content-Type": "image/jpeg"} | headers,
        )
        return Response(connection.getresponse())


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


def test_new_api_key_works_after_a_reload(locked):
    with locked.keys.open("a") as keys:
        keys.write("0badc0de carol;\n")
    before = ask_safely(locked, X_API_Key="0badc0de")

    locked.run("exec", "-T", "nginx", "nginx", "-s", "reload")

    assert before.status == 401
    deadline = time.monotonic() + 30
    while ask_safely(locked, X_API_Key="0badc0de").status != 200:
        assert time.monotonic() < deadline


@pytest.mark.parametrize(
    ("target", "name", "says"),
    [
        ("tls", "key.pem", "user 101 may not read /etc/nginx/tls/key.pem. Run `chown 101`"),
        ("keys.txt", "", "/etc/nginx/keys.txt is not a file. Check the path in DLFLASK_API_KEYS."),
    ],
)
def test_file_that_nginx_cannot_read_is_named(stack, tmp_path, target, name, says):
    if name:
        for file in ("cert.pem", "key.pem"):
            (tmp_path / file).write_text("secret")
        (tmp_path / name).chmod(0o600)
    tmp_path.chmod(0o755)
    mount = f"type=bind,source={tmp_path},target=/etc/nginx/{target},readonly"

    done = subprocess.run(
        ["docker", "run", "--rm", "--mount", mount, "dlflask-nginx"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 1
    assert done.stderr.startswith(f"NGINX cannot start: {says}")


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


def test_client_of_a_trusted_proxy(locked):
    response = ask(locked.port, "GET", "/", **FORWARDED)

    request_id = response.headers["X-Request-ID"]
    logged = [log_of(locked, service, request_id)[0][0] for service in ("nginx", "api")]
    assert response.status == 200, "not redirected: the client uses TLS"
    assert b"image=@- https://digits.example.org/x/predictlabel<" in response.body
    assert [line["client"] for line in logged] == ["203.0.113.9"] * 2


def test_limits_count_the_clients_of_a_trusted_proxy(locked):
    """Unfinished requests of one client above its limit; another one behind the same proxy."""
    head = b"POST /livez HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.1\r\n"
    deadline = time.monotonic() + 30
    with ExitStack() as connections:
        for _ in range(12):
            connection = socket.create_connection(("127.0.0.1", locked.port), timeout=30)
            connections.enter_context(connection).sendall(head + b"Content-Length: 9\r\n\r\nx")
        while ask(locked.port, "GET", "/livez", X_Forwarded_For="203.0.113.1").status != 429:
            assert time.monotonic() < deadline

        assert ask(locked.port, "GET", "/livez", X_Forwarded_For="203.0.113.2").status == 200


def test_forged_headers_change_nothing(stack):
    response = ask(stack.port, "GET", "/", **FORWARDED)

    ((line,), _) = log_of(stack, "nginx", response.headers["X-Request-ID"])
    assert f"image=@- http://127.0.0.1:{stack.port}/predictlabel<".encode() in response.body
    assert line["client"] != "203.0.113.9"


@pytest.mark.parametrize(
    "path", ["/metrics", "//tools/digits//metrics", "/tools/digits/%6detrics", "/metrics%0a"]
)
def test_metrics_are_not_published_under_the_path(locked, path):
    path = path if path.startswith("//") else f"{PATH}{path.removeprefix(PATH)}"
    response = ask_safely(locked, path, X_API_Key="5f0c2b")

    assert response.status == 404
    assert b"dlflask_requests" not in response.body


def test_health_and_static_files_without_api_key(locked):
    assert ask_safely(locked, f"{PATH}/readyz").status == 200
    assert ask_safely(locked, f"{PATH}/static/page.js").status == 200
    assert ask_safely(locked, "/readyz").status == 200
    assert ask_safely(locked, "/static/page.js").status == 200
    assert ask(locked.port, "GET", "/livez").status == 200, "nor TLS, nor the right name"


@pytest.mark.parametrize("path", ["/livez%0a", "/readyz%0A", "/livez/", "/livezz"])
def test_plain_health_check_with_another_spelling_is_redirected(locked, path):
    assert ask(locked.port, "GET", path).status == 308


def test_plain_http_is_redirected_to_tls(locked):
    response = ask(locked.port, "GET", "/predictlabel?details=1")

    assert response.status == 308
    address = f"https://127.0.0.1:{locked.tls_port}/predictlabel?details=1"
    assert response.headers["Location"] == address
    assert response.headers["Strict-Transport-Security"] is None


def test_old_tls_versions_are_rejected(locked):
    context = ssl.create_default_context(cafile=locked.certificate)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", locked.tls_port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        assert connection.version() == "TLSv1.2"

    offered = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{locked.tls_port}", "-tls1_1"],
        input=b"",
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert offered.returncode != 0


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


def test_optional_compose_files_change_nothing_by_default(stack):
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.port}/", timeout=30) as response:
        assert response.status == 200
        assert response.headers["Strict-Transport-Security"] is None
