"""The queueing model beside a real service on one core, under two loads."""

import asyncio
import os

import pytest

from deploy.capacity.measure import measure, pinned_service
from tests.serving import free_port

REQUESTS = 200


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="pins to a core, as on Linux")
def test_the_model_foresees_the_response_times(figures):
    port = free_port()
    with pinned_service(port) as pid:
        core, (light, heavy) = asyncio.run(measure(port, pid, REQUESTS))

    for row in (light, heavy):
        figures.append(
            f"one core at {row.load:.0%} load, milliseconds by model and measured: "
            f"mean {row.mean[0]:.1f} {row.mean[1]:.1f}, p50 {row.p50[0]:.1f} {row.p50[1]:.1f}, "
            f"p99 {row.p99[0]:.1f} {row.p99[1]:.1f}"
        )
    assert 0.0 < core.variation < 2.0
    # No upper bound: where TensorFlow is installed, Keras imports it.
    assert core.megabytes > 50
    # Medians: what else runs on the core shows in the slowest. At the higher load, it may add up.
    assert 0.25 < light.p50[1] / light.p50[0] < 4.0
    assert heavy.p50[1] / heavy.p50[0] > 0.25
