import numpy as np
import pytest

from bench.load import LoadFault, parse_wrk, require
from bench.open_loop import Schedule, parse_h2load, schedule

WRK = """Running 3s test @ http://127.0.0.1:8391/predictlabel
  1 threads and 16 connections
Requests/sec:     75.66

{"requests":600,"microseconds":3000000,"p50":2041,"p99":5500,"p999":7000,"errors":2}
"""


def test_what_wrk_wrote_becomes_figures():
    assert parse_wrk(WRK) == {
        "requests_per_second": 200.0,
        "p50": 2.041,
        "p99": 5.5,
        "p999": 7.0,
        "errors": 2,
    }


def test_of_no_answer_there_is_no_latency():
    figures = parse_wrk(WRK.replace('"requests":600', '"requests":0'))

    assert figures == {"requests_per_second": 0.0, "errors": 2}


def test_a_wrk_that_wrote_no_figures_is_a_fault():
    with pytest.raises(LoadFault, match="unable to connect"):
        parse_wrk("unable to connect to 127.0.0.1:9 Connection refused")


@pytest.mark.parametrize("tool", ["wrk", "h2load"])
def test_a_missing_tool_is_named_with_its_package(monkeypatch, tmp_path, tool):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(LoadFault, match=rf"{tool} is not installed \(Debian and Ubuntu: "):
        require(tool)


@pytest.mark.parametrize("rate", [0.4, 8.5, 99.9, 100, 666.7, 1000, 1240, 3999, 50_000])
def test_a_schedule_keeps_below_its_rate_and_near_it(rate):
    plan = schedule(rate)

    assert plan.rate <= rate * 1.0001
    # Four together every millisecond is the fastest; between whole steps lie up to a third.
    assert plan.rate >= min(rate, 4000) * 0.66
    assert plan.interval_seconds >= 0.2
    assert plan.connections % plan.together == 0


def test_a_schedule_prefers_requests_that_come_alone():
    assert schedule(500) == Schedule(together=1, milliseconds=2)


def h2load_log(*rows):
    return "".join("\t".join(map(str, row)) + "\n" for row in rows)


def test_the_log_of_h2load_becomes_figures():
    plan = Schedule(together=1, milliseconds=10)  # 20 connections, each every 200 ms
    log = h2load_log(*((10_000 * i, 200, 1_000 * (i + 1)) for i in range(100)))

    figures = parse_h2load(log, plan, planned=100)

    took = np.arange(1, 101)
    assert figures["p50"] == np.percentile(took, 50)
    assert figures["p99"] == np.percentile(took, 99)
    assert figures["requests_per_second"] == pytest.approx(100 / (0.99 + 0.1))
    assert figures["planned_per_second"] == 100
    assert figures["errors"] == figures["held_back"] == 0


def test_what_is_not_2xx_or_does_not_come_is_an_error_and_has_no_latency():
    log = h2load_log((0, 200, 1_000), (10, 503, 9_000), (20, -1, 9_000))

    figures = parse_h2load(log, Schedule(1, 10), planned=5)

    assert figures["errors"] == 4
    assert figures["p999"] == 1


def test_an_answer_that_outlasts_its_connections_turn_is_told():
    log = h2load_log((0, 200, 200_001), (10, 200, 1_000))

    assert parse_h2load(log, Schedule(1, 10), planned=2)["held_back"] == 0.5


def test_a_service_that_answers_nothing_is_a_fault():
    with pytest.raises(LoadFault, match="no answer to 16 requests"):
        parse_h2load("", Schedule(1, 10), planned=16)
