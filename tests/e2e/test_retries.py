"""NGINX's retries of requests that fail at one replica.

The replicas run tests/e2e/stand_in.py, which behaves as the path says and prints each request.
"""

import subprocess
from collections import Counter

import pytest

from tests.e2e.background_load import wait_until
from tests.e2e.conftest import COMPOSE, Stack
from tests.serving import ROOT, ask

pytestmark = pytest.mark.compose

REPLICAS = 3
STAND_IN = f"""
services:
  api:
    command: [python, /stand_in.py]
    volumes: ["{ROOT}/tests/e2e/stand_in.py:/stand_in.py:ro"]
"""


@pytest.fixture(scope="module")
def stand_ins(engine, clone):
    """Start three fake replicas behind the project's NGINX."""
    (clone / "stand-in.yml").write_text(STAND_IN)
    files = ("docker-compose.yml", "docker-compose.override.yml", "stand-in.yml")
    with Stack(COMPOSE["v2"], clone, "digitsretries", files).up() as stack:
        stack.run("up", "-d", "--scale", f"api={REPLICAS}")
        wait_until(lambda: len(answering(stack)) == REPLICAS, "NGINX does not see all stand-ins")
        yield stack
    (clone / "stand-in.yml").unlink()


def answering(stack):
    """Send a request, and return the replicas that have received one so far."""
    ask(stack.port, "GET", "/anything")
    return {name for name, paths in arrivals(stack).items() if "/anything" in paths}


def arrivals(stack):
    """Return {replica: number of requests by path}."""
    found = {}
    for name in stack.run("ps", "-q", "api").split():
        log = subprocess.run(["docker", "logs", name], capture_output=True, text=True, check=True)
        lines = [line.split() for line in log.stdout.splitlines() if line.startswith("arrived")]
        found[name] = Counter(line[1] for line in lines)
    return found


def count(stack, path):
    """Return the number of requests for `path` at all replicas."""
    return sum(paths[path] for paths in arrivals(stack).values())


@pytest.mark.parametrize("size", [100, 4_000_000], ids=["small", "large"])
def test_timeout_at_live_replica_is_not_retried(stand_ins, size):
    before = count(stand_ins, "/slow")

    response = ask(stand_ins.port, "POST", "/slow", b"x" * size, "image/png")

    assert response.status == 504
    assert response.headers["Content-Type"] == "application/problem+json"
    assert count(stand_ins, "/slow") - before == 1


def test_failed_self_test_is_retried_on_every_replica(stand_ins):
    response = ask(stand_ins.port, "POST", "/502", b"x", "image/png")

    # The last replica's status, or NGINX's if it avoids one after an earlier failure.
    assert response.status in (502, 503)
    assert {paths["/502"] > 0 for paths in arrivals(stand_ins).values()} == {True}


def test_application_error_is_not_retried(stand_ins):
    before = count(stand_ins, "/anything")

    for _ in range(10):
        assert ask(stand_ins.port, "POST", "/500", b"x", "image/png").status == 500

    assert count(stand_ins, "/500") == 10
    statuses = [ask(stand_ins.port, "GET", "/anything").status for _ in range(30)]
    assert statuses == [200] * 30
    assert count(stand_ins, "/anything") - before == 30


def test_closed_connection_is_retried(stand_ins):
    response = ask(stand_ins.port, "POST", "/reset", b"x", "image/png")

    assert response.status == 503
    assert {paths["/reset"] > 0 for paths in arrivals(stand_ins).values()} == {True}
