import pytest

from bench.wrk import WrkError, parse

OUTPUT = """Running 3s test @ http://127.0.0.1:8391/predictlabel
  1 threads and 16 connections
Requests/sec:     75.66

{"requests_per_second":200.000,"p50":2.041,"p99":5.500,"errors":2}
"""


def test_parse_returns_the_last_line():
    assert parse(OUTPUT) == {"requests_per_second": 200.0, "p50": 2.041, "p99": 5.5, "errors": 2}


def test_parse_without_responses_has_no_latency():
    figures = parse(OUTPUT.replace("200.000", "0.000"))

    assert figures == {"requests_per_second": 0.0, "errors": 2}


def test_parse_without_figures():
    with pytest.raises(WrkError, match="unable to connect"):
        parse("unable to connect to 127.0.0.1:9 Connection refused")
