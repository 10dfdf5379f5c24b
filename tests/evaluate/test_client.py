import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from dlflask.client import REFUSED, UNKNOWN, UNREAD, Service
from dlflask.config import Config
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.evaluate.dataset import find_digits
from dlflask.evaluate.outcomes import ask, read_by_model
from dlflask.web.app import create_app
from tests.evaluate.samples import serving


def test_a_service_answers_as_its_functions_do(folder, nearest):
    pictures = find_digits(folder).pictures
    expected = ask(read_by_model(nearest), pictures)

    with serving(create_app(Config(), DigitRecogniser(nearest))) as url:
        service = Service(url)
        answers = ask(service, pictures)
        service.close()

    for here, there in zip(expected, answers, strict=True):
        assert here.guess == there.guess
        if here.guess is None:
            assert there.outcome.verdict == REFUSED
            assert there.outcome.reason.startswith("422 The image shows no digit: ")
        else:
            assert there.outcome.verdict in (UNKNOWN, here.outcome.verdict)
            assert np.array_equal(here.outcome.probabilities, there.outcome.probabilities)


class Scripted(BaseHTTPRequestHandler):
    """Gives the answers of a list, one for each request."""

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
        pytest.param([(200, FOUR)], "digit", "", id="answer"),
        pytest.param([(503, BUSY), (429, BUSY), (200, FOUR)], "digit", "", id="busy-at-first"),
        pytest.param([(0, b""), (200, FOUR)], "digit", "", id="connection-dropped-once"),
        pytest.param([(0, b""), (0, b"")], UNREAD, "RemoteDisconnected", id="dropped-twice"),
        pytest.param([(500, BUSY)], UNREAD, "500 Busy: Later.", id="fault"),
        pytest.param([(404, BUSY)], UNREAD, "404 Busy: Later.", id="wrong-address"),
        pytest.param([(422, BUSY)], REFUSED, "422 Busy: Later.", id="refused"),
        pytest.param([(200, b"<html>")], UNREAD, "status 200, no answer", id="not-json"),
        pytest.param([(200, b"{}")], UNREAD, "status 200, no answer", id="other-json"),
        pytest.param([(200, b"[]")], UNREAD, "status 200, no answer", id="a-list"),
    ],
)
def test_what_a_service_may_answer(script, verdict, reason):
    handler = type("Handler", (Scripted,), {"script": list(script)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        service = Service(f"http://127.0.0.1:{server.server_port}")
        outcome = service(b"picture")
        service.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

    assert outcome.verdict == verdict
    assert outcome.reason.startswith(reason)
