"""A client that counts: many requests over several connections, each answered rightly or not."""

import http.client
import json
import threading
import time
from collections import Counter
from contextlib import contextmanager

from tests.serving import ROOT

#: Half of the connections are kept, half are made anew for each request.
CONNECTIONS = 8

#: A request that is not answered by then is lost.
TIMEOUT_SECONDS = 30

#: Between two requests of a connection: so that the machine is busy and not overloaded.
PAUSE_SECONDS = 0.02

FOUR = (ROOT / "static" / "4.jpg").read_bytes()


def wait_until(is_so, otherwise, seconds=90):
    """Ask `is_so` until it says yes."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)


class Load:
    """What came of the requests: the right answer or what instead, and the slowest in seconds."""

    def __init__(self, port):
        self.answers = Counter()
        self.slowest = 0.0
        self._port = port
        self._ends = threading.Event()
        self._lock = threading.Lock()

    @property
    def failed(self):
        """What was answered instead of the right answer, and how often."""
        return {what: count for what, count in self.answers.items() if what != "4"}

    def __str__(self):
        return (
            f"{self.answers['4']} answered, {sum(self.failed.values())} failed, "
            f"slowest {self.slowest:.1f} s"
        )

    def wait_for_answers(self, count):
        """Let so many more requests be answered."""
        until = self.answers["4"] + count
        wait_until(lambda: self.answers["4"] >= until, "there are no answers any more")

    def _ask_repeatedly(self, is_kept):
        connection = None
        while not self._ends.is_set():
            if connection is None:
                connection = http.client.HTTPConnection(
                    "127.0.0.1", self._port, timeout=TIMEOUT_SECONDS
                )
            started = time.monotonic()
            try:
                headers = {"Content-Type": "image/jpeg"}
                connection.request("POST", "/predictlabel", FOUR, headers)
                response = connection.getresponse()
                body = response.read()
                what = (
                    json.loads(body)["most_probable_label"]
                    if response.status == 200
                    else f"status {response.status}"
                )
            except (OSError, http.client.HTTPException) as fault:
                what = repr(fault)
            with self._lock:
                self.answers[what] += 1
                self.slowest = max(self.slowest, time.monotonic() - started)
            if what != "4" or not is_kept:
                connection.close()
                connection = None
            self._ends.wait(PAUSE_SECONDS)
        if connection is not None:
            connection.close()


@contextmanager
def under_load(port):
    """Ask without end until the block is left; yields the `Load`."""
    load = Load(port)
    threads = [
        threading.Thread(target=load._ask_repeatedly, args=(number % 2 == 0,))
        for number in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    try:
        load.wait_for_answers(50)
        yield load
        load.wait_for_answers(50)
    finally:
        load._ends.set()
        for thread in threads:
            thread.join()
