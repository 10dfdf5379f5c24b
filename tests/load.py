"""Steady requests from a few clients, while something happens to the service."""

import http.client
import threading
from contextlib import closing, contextmanager

from tests.serving import ROOT, ask_on

CLIENTS = 4
#: Between two requests of a client: a load to be noticed by, not one that fills the machine.
PAUSE_SECONDS = 0.05

FOUR = (ROOT / "static" / "4.jpg").read_bytes()


class Load:
    """What came back: how many right answers, and what went wrong, each as text."""

    def __init__(self):
        self.answered = 0
        self.failures = []
        self.ended = threading.Event()

    def ask_until_ended(self, port):
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            while not self.ended.wait(PAUSE_SECONDS):
                try:
                    answer = ask_on(connection, "POST", "/predictlabel", FOUR, "image/jpeg")
                except (OSError, http.client.HTTPException) as error:
                    self.failures.append(repr(error))
                    connection.close()
                    continue
                if answer.status == 200:
                    self.answered += 1
                else:
                    self.failures.append(f"{answer.status} {answer.body[:200]}")


@contextmanager
def under_load(port):
    """Ask for predictions on kept connections for as long as the block runs."""
    load = Load()
    clients = [threading.Thread(target=load.ask_until_ended, args=(port,)) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield load
    finally:
        load.ended.set()
        for client in clients:
            client.join()
