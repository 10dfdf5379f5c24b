"""Requests that arrive whether or not earlier ones were answered: rate in, response times out.

A time is counted from when the request was due, so a slow answer cannot hide those behind it.
"""

import asyncio
import re

import numpy as np


class Refused(Exception):
    """The service answered something else than 200."""


class Client:
    """Sends one request again and again to a port of this machine, on kept connections."""

    def __init__(self, port: int, path: str, body: bytes, content_type: str) -> None:
        self._port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._request = head.encode() + body

    async def ask(self) -> None:
        """One request and its whole answer."""
        reader, writer = (
            self._idle.pop()
            if self._idle
            else await asyncio.open_connection("127.0.0.1", self._port)
        )
        writer.write(self._request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if not head.startswith(b"HTTP/1.1 200") or length is None:
            writer.close()
            raise Refused(head.decode(errors="replace"))
        await reader.readexactly(int(length[1]))
        self._idle.append((reader, writer))

    async def seconds(self, due: float) -> float:
        """Ask when it is due, by the event loop's clock; seconds from then to the answer."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(due - loop.time())
        await self.ask()
        return loop.time() - due

    async def close(self) -> None:
        """Close the kept connections."""
        for _, writer in self._idle:
            writer.close()
            await writer.wait_closed()


async def open_loop(client: Client, rate: float, count: int, seed: int) -> np.ndarray:
    """Response times in seconds, (count,) float64, of Poisson arrivals at `rate` a second."""
    gaps = np.random.default_rng(seed).exponential(1 / rate, count)
    due = asyncio.get_running_loop().time() + np.cumsum(gaps)
    return np.array(await asyncio.gather(*(client.seconds(float(time)) for time in due)))
