"""Requests over TLS, and lines of the containers' logs."""

import http.client
import json
import ssl
import subprocess
from contextlib import closing

from tests.serving import ROOT, Response

FOUR = (ROOT / "static" / "4.jpg").read_bytes()

#: Path of the service with TLS and API keys.
PATH = "/tools/digits"

#: As a proxy sends them that received the request at https://digits.example.org/x/.
FORWARDED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "digits.example.org",
    "X-Forwarded-Prefix": "/x",
}


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


def log_of(stack, service, request_id):
    """Return the lines about a request in a container's log, and the whole log."""
    name = stack.container(service)
    text = subprocess.run(["docker", "logs", name], capture_output=True, text=True, check=True)
    lines = [line for line in text.stdout.splitlines() if request_id in line]
    return [json.loads(line) for line in lines], text.stdout + text.stderr
