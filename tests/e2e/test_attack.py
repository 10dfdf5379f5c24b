"""Four clients that send the costliest uploads, and a fifth that sends ordinary digits."""

import http.client
import itertools
import threading
import time
from collections import Counter

import numpy as np
import pytest

from tests.conftest import encode
from tests.drawing import draw_digit
from tests.e2e.conftest import Stack
from tests.e2e.costly_uploads import make_costly_uploads
from tests.serving import ask

pytestmark = pytest.mark.compose

ATTACKERS = 4
ATTACK_SECONDS = 30
PAUSE_SECONDS = 0.05

#: Upper bounds of the fifth client's wait and of a health check's; alone, both take milliseconds.
MAX_DIGIT_SECONDS, MAX_HEALTH_SECONDS = 1.5, 1


class Client(threading.Thread):
    """Sends one request after the other until `ends`; counts statuses and notes the seconds."""

    def __init__(self, port, ends, requests, pause=0.0):
        super().__init__()
        self.statuses = Counter()
        self.seconds = []
        self._port = port
        self._ends = ends
        self._requests = itertools.cycle(requests)
        self._pause = pause

    def run(self):
        while not self._ends.is_set():
            started = time.monotonic()
            try:
                status = ask(self._port, *next(self._requests)).status
            except (OSError, http.client.HTTPException) as error:
                status = type(error).__name__
            self.statuses[status] += 1
            self.seconds.append(time.monotonic() - started)
            self._ends.wait(self._pause)

    def __str__(self):
        p50, p99 = np.percentile(self.seconds, (50, 99))
        return f"{dict(self.statuses)}, p50 {p50:.3f} s, p99 {p99:.3f} s"


@pytest.fixture(scope="module")
def stack(any_compose, clone):
    with Stack(any_compose, clone, "attack").up() as stack:
        yield stack


def test_ordinary_digits_are_read_beside_the_costliest_uploads(stack, figures):
    ends = threading.Event()
    digit = ("POST", "/predictlabel", encode(draw_digit(4, 28)), "image/png")
    costly = [("POST", "/predictlabel", *item[::-1]) for item in make_costly_uploads().items()]
    # Each begins with another upload.
    attackers = [
        Client(stack.port, ends, costly[first:] + costly[:first]) for first in range(ATTACKERS)
    ]
    honest = Client(stack.port, ends, [digit], PAUSE_SECONDS)
    monitor = Client(stack.port, ends, [("GET", "/readyz")], 4 * PAUSE_SECONDS)
    for client in (*attackers, honest, monitor):
        client.start()
    ends.wait(ATTACK_SECONDS)
    ends.set()
    for client in (*attackers, honest, monitor):
        client.join()

    attack = sum((client.statuses for client in attackers), Counter())
    figures.append(f"attack: {dict(attack)}; digits: {honest}; /readyz: {monitor}")
    assert set(honest.statuses) == {200}
    assert np.percentile(honest.seconds, 99) < MAX_DIGIT_SECONDS
    assert set(monitor.statuses) == {200}
    assert max(monitor.seconds) < MAX_HEALTH_SECONDS
