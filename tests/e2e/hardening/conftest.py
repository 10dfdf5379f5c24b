"""Service with TLS, API keys, a path, and lists of hosts, origins and proxies."""

import subprocess

import pytest

from tests.e2e.conftest import Stack
from tests.e2e.hardening.asking import PATH
from tests.serving import free_port


@pytest.fixture(scope="package")
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


@pytest.fixture(scope="package")
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
