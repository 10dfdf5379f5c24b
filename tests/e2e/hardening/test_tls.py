"""TLS: old versions and redirects."""

import socket
import ssl
import subprocess

import pytest

from tests.serving import ask

pytestmark = pytest.mark.compose


def test_plain_http_is_redirected_to_tls(locked):
    response = ask(locked.port, "GET", "/predictlabel?details=1")

    assert response.status == 308
    address = f"https://127.0.0.1:{locked.tls_port}/predictlabel?details=1"
    assert response.headers["Location"] == address
    assert response.headers["Strict-Transport-Security"] is None


@pytest.mark.parametrize("path", ["/livez%0a", "/readyz%0A", "/livez/", "/livezz"])
def test_plain_health_check_with_another_spelling_is_redirected(locked, path):
    assert ask(locked.port, "GET", path).status == 308


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
