"""Completeness of received requests, compared with Gunicorn's parser."""

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import NoMoreData, ParseException
from gunicorn.http.parser import RequestParser
from hypothesis import given, settings
from hypothesis import strategies as st

from dlflask.server.connections.chunks import MAX_HEADER_BYTES
from dlflask.server.connections.reception import (
    BODY_SECONDS,
    MAX_CHUNKS,
    MAX_SILENCE_SECONDS,
    MIN_BYTES_PER_SECOND,
    Limit,
    Reception,
)

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MAX_BODY_BYTES = 100_000


def length(number):
    return POST + b"Content-Length: %d\r\n\r\n" % number


WHOLE = {
    "get": GET,
    "get-after-an-empty-line": b"\r\n" + GET,
    "no-headers": b"GET / HTTP/1.1\r\n\r\n",
    "empty-body": length(0),
    "body": length(5) + b"hello",
    "length-among-headers": POST + b"content-LENGTH:\t 5 \r\nX: y\r\n\r\nhello",
    "body-with-an-end-of-headers": length(8) + b"\r\n\r\n\r\n\r\n",
    "chunks": CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
    "chunk-with-extension": CHUNKED + b'5;a="b";c\r\nhello\r\n00\r\n\r\n',
    "chunks-with-trailers": CHUNKED + b"5\r\nhello\r\n0\r\nA: b\r\nC: d\r\n\r\n",
    "chunk-of-line-ends": CHUNKED + b"9\r\n\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n",
    "gzip-then-chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "two-codings": POST + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: Chunked\r\n\r\n"
    b"1\r\nx\r\n0\r\n\r\n",
}


def receive(data, step=None):
    """Feed `data` in steps until the reception is complete; return it and the bytes fed."""
    reception = Reception(MAX_BODY_BYTES, 0)
    step = step or max(1, len(data))
    for start in range(0, len(data), step):
        if reception.feed(data[start : start + step], 0):
            return reception, start + step
    return reception, len(data)


def parse(data):
    """Return the verdict of Gunicorn's parser on `data`: "whole", "incomplete" or "rejected"."""
    parser = RequestParser(Config(), (data,), ("127.0.0.1", 1))
    try:
        request = next(parser)
        declared = dict(request.headers).get("CONTENT-LENGTH")
        body = request.body.read()
    except (NoMoreData, StopIteration):
        return "incomplete"
    except ParseException as error:
        return "incomplete" if "ChunkMissingTerminator" in repr(error) + str(error) else "rejected"
    return "incomplete" if declared and len(body) < int(declared) else "whole"


@pytest.mark.parametrize("step", [None, 1, 7])
@pytest.mark.parametrize("name", WHOLE)
def test_reception_of_whole_request_is_complete_at_last_byte(name, step):
    data = WHOLE[name]

    early, _ = receive(data[:-1], step)
    reception, _ = receive(data, step)

    assert not early.is_complete
    assert reception.is_complete
    assert not reception.is_truncated
    assert b"".join(reception.take()) == data
    assert parse(data) == "whole"


@pytest.mark.parametrize("step", [None, 1, 3])
@pytest.mark.parametrize("name", WHOLE)
def test_reception_leaves_pipelined_bytes_in_order(name, step):
    data = WHOLE[name] + GET

    reception, taken = receive(data, step)

    assert reception.is_complete
    assert b"".join(reception.take()) == data[:taken]
    assert taken >= len(WHOLE[name])


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET / HTTP/1.1\nHost: x\n\n", id="bare-line-feeds"),
        pytest.param(POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", id="length-twice"),
        pytest.param(POST + b"Content-Length: 5, 5\r\n\r\n", id="length-list"),
        pytest.param(POST + b"Content-Length: +5\r\n\r\n", id="length-signed"),
        pytest.param(POST + b"Content-Length: \xb25\r\n\r\n", id="length-superscript"),
        pytest.param(POST + b"Content-Length : 5\r\n\r\n", id="length-with-a-space"),
        pytest.param(
            POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            id="length-and-chunks",
        ),
        pytest.param(POST + b"Transfer-Encoding: gzip\r\n\r\n", id="gzip"),
        pytest.param(POST + b"Transfer-Encoding: xchunked\r\n\r\n", id="unknown-coding"),
        pytest.param(CHUNKED + b"zz\r\n", id="size-no-number"),
        pytest.param(CHUNKED + b"-5\r\n", id="size-negative"),
        pytest.param(CHUNKED + b"5\n", id="size-bare-line-feed"),
        pytest.param(CHUNKED + b"5" * 17 + b"\r\n", id="size-too-long"),
        pytest.param(CHUNKED + b"0\r\nA: b\n", id="trailer-bare-line-feed"),
        pytest.param(GET[:-2] + b"\x00: x\r\n\r\n", id="control-character"),
    ],
)
def test_reception_of_ambiguous_request_is_complete(data):
    reception, _ = receive(data)

    assert reception.is_complete
    assert parse(data) != "whole"


@settings(deadline=None)
@given(name=st.sampled_from(sorted(WHOLE)), data=st.data())
def test_reception_is_complete_if_gunicorns_parser_is(name, data):
    """A damaged request that Gunicorn parses as whole must be complete here."""
    sent = bytearray(WHOLE[name])
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(sent)))
        new = data.draw(st.sampled_from([b"", b"\r\n", b"\n", b" ", b"0", b";", b":", b"\t", b"5"]))
        sent[start : start + data.draw(st.integers(0, 3))] = new

    reception, _ = receive(bytes(sent), data.draw(st.sampled_from([None, 1, 5])))

    if parse(bytes(sent)) == "whole":
        assert reception.is_complete


def test_reception_of_announced_large_body_is_truncated():
    reception, _ = receive(length(MAX_BODY_BYTES + 1))

    assert (reception.is_complete, reception.is_truncated, reception.limit) == (True, True, None)


@pytest.mark.parametrize(
    ("data", "limit"),
    [
        pytest.param(
            b"GET / HTTP/1.1\r\nA: " + b"b" * MAX_HEADER_BYTES, Limit.HEADERS, id="headers"
        ),
        pytest.param(CHUNKED + b"%x\r\n" % (MAX_BODY_BYTES + 1), Limit.BODY, id="chunk"),
        pytest.param(CHUNKED + b"1;%s\r\nx\r\n" % (b"a" * 8_000) * 40, Limit.BODY, id="extensions"),
    ],
)
def test_reception_over_a_limit_is_truncated(data, limit):
    reception, _ = receive(data, 4_096)

    assert reception.is_complete
    assert reception.is_truncated
    assert reception.limit is limit


def test_reception_of_too_many_chunks_is_truncated():
    reception = Reception(10 * MAX_CHUNKS, 0)

    reception.feed(CHUNKED + b"1\r\nx\r\n" * (MAX_CHUNKS + 1), 0)

    assert reception.limit is Limit.CHUNKS


def test_wanted_is_the_rest_of_a_body_of_known_length():
    reception = Reception(MAX_BODY_BYTES, 0)

    reception.feed(length(50_000) + b"x" * 20_000, 0)

    assert reception.wanted == 30_000


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        pytest.param(b"Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n", True, id="waits"),
        pytest.param(b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\nh", False, id="sends"),
        pytest.param(b"Content-Length: 0\r\nExpect: 100-continue\r\n\r\n", False, id="no-body"),
        pytest.param(b"Content-Length: 200000\r\nExpect: 100-continue\r\n\r\n", False, id="large"),
        pytest.param(b"Content-Length: 5\r\n\r\n", False, id="does-not-ask"),
    ],
)
def test_awaits_continue(headers, waits):
    reception, _ = receive(POST + headers)

    assert reception.awaits_continue is waits


def test_deadline_of_headers_is_fixed():
    reception = Reception(MAX_BODY_BYTES, 0)

    reception.feed(b"GET / HT", 9)

    assert reception.deadline == MAX_SILENCE_SECONDS


def test_deadline_of_body_depends_on_silence_and_rate():
    reception = Reception(MAX_BODY_BYTES, 0)
    reception.feed(length(90_000), 1)
    assert reception.deadline == 1 + MAX_SILENCE_SECONDS

    reception.feed(b"x", BODY_SECONDS)

    assert reception.deadline == pytest.approx(1 + BODY_SECONDS, abs=0.01)
    reception.feed(b"x" * MIN_BYTES_PER_SECOND, BODY_SECONDS)
    assert reception.deadline == pytest.approx(2 + BODY_SECONDS, abs=0.01)


def test_pieces_of_trickled_body_are_joined():
    reception, _ = receive(length(90_000) + b"x" * 90_000, 100)

    assert len(reception.take()) < 5
