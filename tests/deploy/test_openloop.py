import asyncio

import pytest

from deploy.capacity.openloop import Client, Refused, open_loop


def run_against(answer, rate, count):
    """The times of an open loop against a server that says `answer` to each request."""

    served = []

    async def serve(reader, writer):
        served.append(asyncio.current_task())
        while await reader.readline():
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(len(b"picture"))
            writer.write(answer)
        writer.close()
        await writer.wait_closed()

    async def run():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        client = Client(server.sockets[0].getsockname()[1], "/x", b"picture", "image/png")
        try:
            return await open_loop(client, rate, count, seed=1)
        finally:
            await client.close()
            server.close()
            await asyncio.gather(*served)

    return asyncio.run(run())


def test_every_request_has_its_time():
    times = run_against(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", rate=2000, count=100)

    assert times.shape == (100,)
    assert (times > 0).all()


def test_a_time_counts_from_when_the_request_was_due():
    """All are due at once, and the one client machine cannot send them all at once."""
    times = run_against(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", rate=1e9, count=200)

    assert times.max() > 3 * times.min()


def test_another_answer_than_200_is_an_error():
    with pytest.raises(Refused, match="503 Busy"):
        run_against(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", rate=100, count=1)
