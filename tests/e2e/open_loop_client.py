"""Open-loop client: it sends requests at a fixed rate, without waiting for earlier responses."""

import asyncio
import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Outcome:
    """Results of one run.

    Attributes:
        statuses: Number of responses by status; `none` counts requests without a response.
        seconds: Time from the scheduled start of each accepted request to its response.
        rejected_seconds: The same for requests rejected with 429 or 503.
        unexplained: Number of rejections without Retry-After.
        duration: Length of the run, in seconds.
    """

    statuses: Counter = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    rejected_seconds: list[float] = field(default_factory=list)
    unexplained: int = 0
    duration: float = 0.0

    @property
    def rate(self):
        """Accepted requests per second."""
        return self.statuses[200] / self.duration


class Client:
    """Kept-alive connections with one request at a time on each."""

    def __init__(self, port, request):
        self.port = port
        self.request = request
        self.outcome = Outcome()
        self._idle = []

    async def send(self, due):
        try:
            if self._idle:
                reader, writer = self._idle.pop()
            else:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(self.request)
            headers = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(headers.split("content-length: ")[1].split("\r\n")[0])
            await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError):
            self.outcome.statuses["none"] += 1
            return
        self._record(int(headers.split()[1]), headers, time.perf_counter() - due)
        if "connection: close" in headers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        else:
            self._idle.append((reader, writer))

    async def close(self):
        for _, writer in self._idle:
            writer.close()
        await asyncio.gather(
            *(writer.wait_closed() for _, writer in self._idle), return_exceptions=True
        )

    def _record(self, status, headers, seconds):
        self.outcome.statuses[status] += 1
        if status == 200:
            self.outcome.seconds.append(seconds)
        elif status in (429, 503):
            self.outcome.rejected_seconds.append(seconds)
            self.outcome.unexplained += "retry-after: " not in headers


async def closed_loop(port, request, connections, seconds):
    """Measure the peak: each connection sends its next request after the response."""
    client = Client(port, request)
    started = time.perf_counter()

    async def loop():
        while time.perf_counter() - started < seconds:
            await client.send(time.perf_counter())

    await asyncio.gather(*(loop() for _ in range(connections)))
    client.outcome.duration = time.perf_counter() - started
    await client.close()
    return client.outcome


async def open_loop(port, request, rate, seconds):
    """Send `rate` requests per second for `seconds`."""
    client = Client(port, request)
    sent = set()
    started = time.perf_counter()
    for i in range(int(rate * seconds)):
        due = started + i / rate
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        sent.add(asyncio.create_task(client.send(due)))
    await asyncio.gather(*sent)
    client.outcome.duration = time.perf_counter() - started
    await client.close()
    return client.outcome
