"""Background load: requests over several connections, whose responses are checked and counted."""

import http.client
import json
import threading
import time
from collections import Counter
from contextlib import contextmanager

from tests.serving import ROOT

#: Number of connections. Half are kept alive, half are opened anew for each request.
CONNECTIONS = 8

#: Addresses that the connections ask, and the member of the response with the digit.
ROUTES = [*[("/predictlabel", "most_probable_label")] * 3, ("/predictnumber", "number")]

#: Time after which a request counts as lost, in seconds.
TIMEOUT_SECONDS = 30

#: Pause between two requests of a connection, so that the machine is not overloaded, in seconds.
PAUSE_SECONDS = 0.02

FOUR = (ROOT / "static" / "4.jpg").read_bytes()


def wait_until(condition, message, seconds=90):
    """Wait until `condition` returns True; fail with `message` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, message
        time.sleep(0.05)


class Load:
    """Counted results of the requests, and the longest response time in seconds."""

    def __init__(self, port):
        self.results = Counter()
        self.slowest = 0.0
        self._port = port
        self._started = {}
        self._ends = threading.Event()
        self._lock = threading.Lock()

    @property
    def failed(self):
        """Wrong results with their counts."""
        return {result: count for result, count in self.results.items() if result != "4"}

    def __str__(self):
        return (
            f"{self.results['4']} correct, {sum(self.failed.values())} failed, "
            f"slowest {self.slowest:.1f} s"
        )

    @property
    def longest_wait(self):
        """Age of the oldest request without a response, in seconds."""
        now = time.monotonic()
        return max((now - started for started in self._started.copy().values()), default=0.0)

    def wait_for_predictions(self, count):
        """Wait for `count` more correct predictions."""
        until = self.results["4"] + count
        wait_until(lambda: self.results["4"] >= until, "the service does not respond any more")

    def _send_repeatedly(self, keeps_alive, path, member):
        connection = None
        while not self._ends.is_set():
            if connection is None:
                connection = http.client.HTTPConnection(
                    "127.0.0.1", self._port, timeout=TIMEOUT_SECONDS
                )
            started = self._started[threading.get_ident()] = time.monotonic()
            try:
                headers = {"Content-Type": "image/jpeg"}
                connection.request("POST", path, FOUR, headers)
                response = connection.getresponse()
                body = response.read()
                result = (
                    json.loads(body)[member]
                    if response.status == 200
                    else f"status {response.status}"
                )
            except (OSError, http.client.HTTPException) as error:
                result = repr(error)
            del self._started[threading.get_ident()]
            with self._lock:
                self.results[result] += 1
                self.slowest = max(self.slowest, time.monotonic() - started)
            if result != "4" or not keeps_alive:
                connection.close()
                connection = None
            self._ends.wait(PAUSE_SECONDS)
        if connection is not None:
            connection.close()


@contextmanager
def under_load(port):
    """Send requests until the block is left; yield the `Load`."""
    load = Load(port)
    threads = [
        threading.Thread(target=load._send_repeatedly, args=(number % 2 == 0, *route))
        for number, route in enumerate(ROUTES[i // 2] for i in range(CONNECTIONS))
    ]
    for thread in threads:
        thread.start()
    try:
        load.wait_for_predictions(50)
        yield load
        load.wait_for_predictions(50)
    finally:
        load._ends.set()
        for thread in threads:
            thread.join()
