"""A page of another origin calls the API from the browser, if its origin is allowed."""

import base64
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.serving import ROOT, running_server

pytestmark = pytest.mark.browser

FOUR = (ROOT / "static" / "4.jpg").read_bytes()

#: Sends a form with a header of its own, so that the browser asks for permission first.
CALL = """async ([address, image]) => {
  const form = new FormData();
  form.append("image", new Blob([Uint8Array.from(atob(image), (c) => c.charCodeAt(0))]));
  const options = { method: "POST", body: form, headers: { "X-API-Key": "5f0c2b" } };
  const response = await fetch(address, options).catch(String);
  if (typeof response === "string") return response;
  const { most_probable_label, detail } = await response.json();
  return [most_probable_label ?? detail, response.headers.get("X-Request-ID").length];
}"""


class EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, *_):
        """Disable the log."""


@pytest.fixture(scope="module")
def pages():
    """Serve an empty page under two origins, of which the first is allowed."""
    with ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield [f"http://{name}:{server.server_port}" for name in ("localhost", "127.0.0.1")]
        server.shutdown()


@pytest.fixture(scope="module")
def service(pages):
    with running_server(DLFLASK_ALLOWED_ORIGINS=f"https://app.example.org, {pages[0]}/") as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def call(browser, service):
    """Return a function that sends an image from a page of an origin."""

    def send(origin, path="/predictlabel", image=FOUR):
        page = browser.new_page()
        page.goto(f"{origin}/")
        text = base64.b64encode(image).decode()
        result = page.evaluate(CALL, [f"{service}{path}", text])
        page.close()
        return result

    return send


def test_page_of_allowed_origin_reads_prediction_and_headers(call, pages):
    assert call(pages[0]) == ["4", 32]


def test_page_of_allowed_origin_reads_errors(call, pages):
    assert "not a supported image format" in call(pages[0], image=b"I am a 4")[0]
    assert "does not exist" in call(pages[0], "/nowhere")[0]


def test_page_of_other_origin_reads_nothing(call, pages):
    assert call(pages[1]) == "TypeError: Failed to fetch"
