"""Four clients that send the costliest images, and a fifth that sends ordinary digits."""

import http.client
import itertools
import threading
import time
from collections import Counter

import numpy as np

from tests.conftest import encode
from tests.costly import avif, gif_bmp, heic, jpeg, png, tiff, webp
from tests.drawing import draw_digit
from tests.serving import ask

ATTACKERS = 4
PAUSE_SECONDS = 0.05

#: Bounds of the fifth client's wait and of a health check's; alone, both take milliseconds.
MAX_DIGIT_SECONDS, MAX_HEALTH_SECONDS = 1.5, 1

#: Files that parsers took seconds or a gigabyte for, and the costliest that are accepted.
COSTLY = {
    "image/jpeg": (jpeg, "exif.jpg", "progressive.jpg"),
    "image/png": (png, "zTXt.png", "profile.png", "paeth-at-limit.png", "rgba-small-digit.png"),
    "image/tiff": (tiff, "offsets-bytes.tif", "lzma.tif"),
    "image/bmp": (gif_bmp, "end-of-line-at-limit.bmp"),
    "image/webp": (webp, "lossy-noise.webp"),
    "image/avif": (avif, "4-4-4.avif"),
    "image/heic": (heic, "small-digit-4-4-4.heic", "noise.heic", "items.heic"),
}


class Client(threading.Thread):
    """Sends one request after the other until `end`; records statuses and seconds."""

    def __init__(self, port, end, requests, pause=0.0):
        super().__init__()
        self.statuses = Counter()
        self.seconds = []
        self._port = port
        self._end = end
        self._requests = itertools.cycle(requests)
        self._pause = pause

    def run(self):
        while not self._end.is_set():
            started = time.monotonic()
            try:
                status = ask(self._port, *next(self._requests)).status
            except (OSError, http.client.HTTPException) as error:
                status = type(error).__name__
            self.statuses[status] += 1
            self.seconds.append(time.monotonic() - started)
            self._end.wait(self._pause)

    def __str__(self):
        p50, p99 = np.percentile(self.seconds, (50, 99))
        return f"{dict(self.statuses)}, p50 {p50:.3f} s, p99 {p99:.3f} s"


def attack(port, seconds):
    """Send costly images and ordinary digits at the same time.

    Returns:
        The clients that sent costly images, the one that sent digits, and one that asked /readyz.
    """
    end = threading.Event()
    digit = ("POST", "/predictlabel", encode(draw_digit(4, 28)), "image/png")
    files = [
        (module.KINDS[name](), media_type)
        for media_type, (module, *names) in COSTLY.items()
        for name in names
    ]
    costly = [
        ("POST", path, *file) for path in ("/predictlabel", "/predictnumber") for file in files
    ]
    step = len(costly) // ATTACKERS
    attackers = [
        Client(port, end, costly[first * step :] + costly[: first * step])
        for first in range(ATTACKERS)
    ]
    honest = Client(port, end, [digit], PAUSE_SECONDS)
    monitor = Client(port, end, [("GET", "/readyz")], 4 * PAUSE_SECONDS)
    clients = (*attackers, honest, monitor)
    for client in clients:
        client.start()
    end.wait(seconds)
    end.set()
    for client in clients:
        client.join()
    return attackers, honest, monitor


def check_fair_share(attackers, honest, monitor, figures):
    """Assert that ordinary digits and health checks were answered in time."""
    statuses = sum((client.statuses for client in attackers), Counter())
    figures.append(f"costly: {dict(statuses)}; digits: {honest}; /readyz: {monitor}")
    assert set(statuses) <= {200, 413, 422, 503, 504}
    assert set(honest.statuses) == {200}
    assert np.percentile(honest.seconds, 99) < MAX_DIGIT_SECONDS
    assert set(monitor.statuses) == {200}
    assert max(monitor.seconds) < MAX_HEALTH_SECONDS
