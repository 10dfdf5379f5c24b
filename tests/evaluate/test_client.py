import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from dlflask.client import REFUSED, UNKNOWN, UNREAD, DlflaskClient
from dlflask.config import Config
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.evaluate.dataset import find_digits
from dlflask.evaluate.outcomes import ask, read_by_model
from dlflask.web.app import create_app
from tests.evaluate.samples import serving


def test_client_returns_what_the_model_predicts(folder, nearest):
    images = find_digits(folder).images
    expected = ask(read_by_model(nearest), images)

    with serving(create_app(Config(), DigitRecogniser(nearest))) as url:
        client = DlflaskClient(url)
        cases = ask(client, images)
        client.close()

    for here, there in zip(expected, cases, strict=True):
        assert here.outcome.label == there.outcome.label
        if here.outcome.label is None:
            assert there.outcome.verdict == REFUSED
            assert there.outcome.reason.startswith("422 The image shows no digit: ")
        else:
            assert there.outcome.verdict in (UNKNOWN, here.outcome.verdict)
            assert np.array_equal(here.outcome.probabilities, there.outcome.probabilities)


@pytest.mark.parametrize("key", ["", "5f0c2b"])
def test_client_sends_the_api_key(key):
    received = []

    def application(environ, start):
        received.append(environ.get("HTTP_X_API_KEY", ""))
        start("200 OK", [("Content-Length", str(len(FOUR)))])
        return [FOUR]

    with serving(application) as url:
        client = DlflaskClient(url, key)
        assert client(b"x").verdict == "digit"
        client.close()

    assert received == [key]


@pytest.mark.parametrize("key", ["5F0C", "a b", "a\r\nHost: x", "ä"])
def test_client_with_invalid_api_key(key):
    with pytest.raises(ValueError, match="other than lower-case letters and digits") as caught:
        DlflaskClient("http://127.0.0.1:1", key)

    assert key not in str(caught.value)


class Scripted(BaseHTTPRequestHandler):
    """Sends the responses of a list, one per request."""

    protocol_version = "HTTP/1.1"
    script = ()

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        status, body = self.script.pop(0)
        if status == 0:  # hang up
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


FOUR = json.dumps(
    {
        "most_probable_label": "4",
        "predictions": [
            {"label": str(label), "probability": str(float(label == 4))} for label in range(10)
        ],
        "success": True,
        "details": {"verdict": "digit"},
    }
).encode()
BUSY = b'{"title": "Busy", "detail": "Later."}'


@pytest.mark.parametrize(
    ("script", "verdict", "reason"),
    [
        pytest.param([(200, FOUR)], "digit", "", id="prediction"),
        pytest.param([(503, BUSY), (429, BUSY), (200, FOUR)], "digit", "", id="busy-at-first"),
        pytest.param([(0, b""), (200, FOUR)], "digit", "", id="connection-dropped-once"),
        pytest.param(
            [(0, b""), (0, b"")], UNREAD, "RemoteDisconnected", id="connection-dropped-twice"
        ),
        pytest.param([(500, BUSY)], UNREAD, "500 Busy: Later.", id="failed-service"),
        pytest.param([(404, BUSY)], UNREAD, "404 Busy: Later.", id="wrong-address"),
        pytest.param([(422, BUSY)], REFUSED, "422 Busy: Later.", id="refused"),
        pytest.param(
            [(200, b"<html>")], UNREAD, "unexpected response with status 200", id="not-json"
        ),
        pytest.param(
            [(200, b"{}")], UNREAD, "unexpected response with status 200", id="other-json"
        ),
        pytest.param([(200, b"[]")], UNREAD, "unexpected response with status 200", id="a-list"),
    ],
)
def test_client_response(script, verdict, reason):
    handler = type("Handler", (Scripted,), {"script": list(script)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        client = DlflaskClient(f"http://127.0.0.1:{server.server_port}")
        outcome = client(b"image")
        client.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

    assert outcome.verdict == verdict
    assert outcome.reason.startswith(reason)


@pytest.mark.parametrize(
    "url", ["service", "ftp://h", "http://", "http://h:99999", "http://h:port", "http://[::1"]
)
def test_client_invalid_url(url):
    with pytest.raises(ValueError, match="is not the address of a service"):
        DlflaskClient(url)
