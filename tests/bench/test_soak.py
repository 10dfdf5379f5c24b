import numpy as np
import pytest

from bench.soak import count_good, summarise


def test_the_slope_is_that_after_warming_up():
    seconds = np.linspace(0, 100, 101)
    # 50 MB in the first tenth, then 1 MB in the 90 s that remain.
    size = np.where(seconds < 10, 200 + 5 * seconds, 250 + (seconds - 10) / 90)

    figures = summarise(np.column_stack([seconds, size]), requests=200_000)

    assert figures["mb_per_100000_requests"] == pytest.approx(1 / 90 * 100 / 2)
    assert figures["requests_per_second"] == 2000
    assert figures["most_mb"] == size.max()
    assert figures["end_mb"] > figures["warm_mb"] > 250


def test_answers_are_counted_from_h2loads_summary():
    told = "status codes: 299998 2xx, 0 3xx, 0 4xx, 2 5xx\n"

    assert count_good(told) == 299998
    assert count_good("") == 0
