"""Waiting in front of `servers` equal servers: rates in and seconds out.

The model is M/G/c: Poisson arrivals, any service time, one queue. Its wait has no closed form; here
it is the Erlang C of M/M/c, corrected for the service time's variation, with an exponential tail.

Source:
    Erlang (1917); A. O. Allen, Probability, Statistics and Queueing Theory, 2nd ed. (1990), 5.2.4,
    for the Allen-Cunneen approximation.
"""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import gamma

#: Equally probable service times that stand for the distribution; 1000 put p99 within 0.1 %.
SAMPLES = 1000


@dataclass(frozen=True)
class Service:
    """The time one server needs for one request: its mean, and its deviation over its mean."""

    seconds: float
    variation: float

    def samples(self) -> np.ndarray:
        """Equally probable service times in seconds, (SAMPLES,) float64: of a gamma distribution.

        Gamma is the exponential at variation 1, and below a hundredth as good as a constant.
        """
        if self.variation < 0.01:
            return np.full(SAMPLES, self.seconds)
        shape = self.variation**-2
        middles = (np.arange(SAMPLES) + 0.5) / SAMPLES
        return gamma.ppf(middles, shape, scale=self.seconds / shape)


def erlang_c(servers: int, erlangs: float) -> float:
    """The probability to wait in M/M/c; `erlangs` is rate x seconds, below `servers`."""
    blocked = 1.0  # Erlang B, built up server by server: no factorials that overflow
    for count in range(1, servers + 1):
        blocked = erlangs * blocked / (count + erlangs * blocked)
    return blocked / (1 - erlangs / servers * (1 - blocked))


def decay(rate: float, servers: int, service: Service) -> float:
    """How fast a wait ends, per second: that of M/M/c as Allen and Cunneen correct it."""
    return 2 * (servers / service.seconds - rate) / (1 + service.variation**2)


def mean_wait(rate: float, servers: int, service: Service) -> float:
    """Mean seconds in the queue, exact for M/M/c and M/G/1."""
    return erlang_c(servers, rate * service.seconds) / decay(rate, servers, service)


def quantile(share: float, rate: float, servers: int, service: Service) -> float:
    """The seconds within which `share` of the requests are answered, wait and service together.

    Infinite where the servers cannot keep up.
    """
    if rate * service.seconds >= servers:
        return float("inf")
    times = service.samples()
    waiting = erlang_c(servers, rate * service.seconds)
    speed = decay(rate, servers, service)

    def later_than(seconds: float) -> float:
        left = np.maximum(seconds - times, 0.0)
        return float(np.mean(np.where(times >= seconds, 1.0, waiting * np.exp(-speed * left))))

    longest = float(times[-1]) - np.log(1 - share) / speed
    return brentq(lambda seconds: later_than(seconds) - (1 - share), 0.0, longest)


def servers_for(
    rate: float, share: float, seconds: float, service: Service, *, shared: bool = True
) -> int:
    """The fewest servers that answer `share` of the requests within `seconds`.

    Args:
        rate: Requests a second.
        share: For example 0.99.
        seconds: For wait and service together.
        service: What one server needs for one request.
        shared: One queue for all servers, or else a request goes to any of them and waits there.

    Raises:
        ValueError: Where an idle server already takes longer.
    """
    alone = float(np.quantile(service.samples(), share))
    if seconds <= alone:
        message = (
            f"{share:.0%} within {1e3 * seconds:g} ms cannot be had: without any wait it takes "
            f"{1e3 * alone:.3g} ms. Allow more, or take faster cores."
        )
        raise ValueError(message)

    def is_enough(servers: int) -> bool:
        if shared:
            return quantile(share, rate, servers, service) <= seconds
        return quantile(share, rate / servers, 1, service) <= seconds

    least = int(rate * service.seconds) + 1
    most = least
    while not is_enough(most):
        most *= 2
    counts = range(least, most + 1)
    return counts[bisect_left(counts, True, key=is_enough)]  # noqa: FBT003 - what is searched for
