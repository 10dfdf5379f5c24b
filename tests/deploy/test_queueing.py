import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from deploy.capacity.queueing import Service, erlang_c, mean_wait, quantile, servers_for

EXPONENTIAL = Service(1.0, 1.0)
CONSTANT = Service(1.0, 0.0)


@pytest.mark.parametrize(
    ("servers", "erlangs", "probability"),
    [
        pytest.param(1, 0.7, 0.7, id="M/M/1: the utilisation"),
        pytest.param(2, 1.0, 1 / 3, id="two servers"),
        pytest.param(10, 8.0, 0.40918, id="a call centre's table"),
    ],
)
def test_erlang_c(servers, erlangs, probability):
    assert erlang_c(servers, erlangs) == pytest.approx(probability, rel=1e-3)


@pytest.mark.parametrize(("servers", "erlangs"), [(7, 5.3), (1000, 950.0), (30_000, 29_900.0)])
def test_erlang_c_is_what_the_poisson_distribution_says(servers, erlangs):
    blocked = poisson.pmf(servers, erlangs) / poisson.cdf(servers, erlangs)

    expected = blocked / (1 - erlangs / servers * (1 - blocked))
    assert erlang_c(servers, erlangs) == pytest.approx(expected)


def test_the_wait_in_front_of_one_server_is_that_of_pollaczek_and_khinchine():
    rate, service = 0.8, Service(1.0, 0.5)

    assert mean_wait(rate, 1, service) == pytest.approx(0.8 * (1 + 0.5**2) / (2 * (1 - 0.8)))


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_the_response_of_m_m_1_is_exponential(share):
    seconds = quantile(share, 0.8, 1, EXPONENTIAL)

    assert seconds == pytest.approx(-math.log(1 - share) / (1 - 0.8), rel=2e-3)


def test_without_load_only_the_service_takes_time():
    assert quantile(0.99, 1e-6, 1, CONSTANT) == pytest.approx(1.0)
    assert quantile(0.99, 1e-6, 1, EXPONENTIAL) == pytest.approx(math.log(100), rel=2e-2)


def test_a_simulated_queue_agrees():
    """Three servers at 80 %, service times of variation 0.5: 100,000 requests, first come first."""
    generator = np.random.default_rng(1)
    count, servers, rate, service = 100_000, 3, 2.4, Service(1.0, 0.5)
    arrivals = np.cumsum(generator.exponential(1 / rate, count))
    times = generator.gamma(4.0, 0.25, count)
    free = np.zeros(servers)
    responses = np.empty(count)
    for index, (arrival, time) in enumerate(zip(arrivals, times, strict=True)):
        server = free.argmin()
        free[server] = max(free[server], arrival) + time
        responses[index] = free[server] - arrival

    assert quantile(0.99, rate, servers, service) == pytest.approx(
        np.quantile(responses, 0.99), rel=0.05
    )


def test_too_few_servers_never_answer():
    assert quantile(0.99, 2.0, 2, CONSTANT) == math.inf


@given(st.floats(0.1, 500.0), st.floats(1.5, 20.0), st.floats(0.0, 1.0), st.booleans())
def test_the_fewest_servers_are_enough_and_one_less_is_not(rate, factor, variation, shared):
    service = Service(0.01, variation)
    limit = factor * float(np.quantile(service.samples(), 0.99))

    servers = servers_for(rate, 0.99, limit, service, shared=shared)

    def seconds(count):
        return quantile(0.99, rate if shared else rate / count, count if shared else 1, service)

    assert seconds(servers) <= limit
    assert servers == 1 or seconds(servers - 1) > limit


def test_a_shared_queue_needs_fewer():
    service = Service(0.003, 0.3)

    assert servers_for(1000, 0.99, 0.01, service) < servers_for(
        1000, 0.99, 0.01, service, shared=False
    )


def test_what_no_number_of_servers_reaches_is_said():
    with pytest.raises(ValueError, match=r"99% within 0\.5 ms cannot be had: without any wait"):
        servers_for(10, 0.99, 0.0005, Service(0.001, 0.0))
