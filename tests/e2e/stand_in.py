"""Fake replica for a container: it behaves as the path says and prints each request."""

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: Response time of /slow, longer than NGINX's proxy_read_timeout, in seconds.
SLOW_SECONDS = 12


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path not in ("/livez", "/readyz"):
            waited = time.time() - float(self.headers["X-Request-Start"][2:])
            sys.stdout.write(f"arrived {self.path} after {waited:.3f} s\n")
            sys.stdout.flush()
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/slow":
            time.sleep(SLOW_SECONDS)
        elif self.path == "/reset":
            self.close_connection = True
            return
        status = self.path[1:]
        self.send_response(int(status) if status.isdecimal() else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815  the name that http.server looks for

    def log_message(self, *_):
        """Disable the log."""


ThreadingHTTPServer(("", 8000), Handler).serve_forever()
