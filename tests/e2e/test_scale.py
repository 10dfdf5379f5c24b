"""Scaling the service behind a running NGINX without losing requests."""

import json
import subprocess
import time

import pytest

from tests.e2e.background_load import FOUR, under_load
from tests.serving import ask, wait_until_ready

pytestmark = pytest.mark.compose

#: Time limit for new replicas, in seconds: they load the model, and NGINX queries DNS every 2 s.
SEEN_SECONDS = 60


@pytest.fixture
def scaled_stack(stack):
    yield stack
    scale(stack, 1)


def scale(stack, replicas):
    stack.run("up", "-d", "--no-recreate", "--no-build", "--scale", f"api={replicas}")


def replicas(stack):
    """Return the addresses of the running replicas."""
    form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}:8000"
    names = stack.run("ps", "-q", "api").split()
    return {docker("inspect", "--format", form, name).strip() for name in names}


def answering(stack, since):
    """Return the addresses that returned 200 since then, from NGINX's access log."""
    log = docker("logs", "--since", f"{since:.3f}", stack.run("ps", "-q", "nginx").strip())
    entries = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    # A request may have several: "10.0.0.2:8000, 10.0.0.3:8000 : 10.0.0.3:8000".
    return {entry["upstream"].split()[-1] for entry in entries if entry["status"] == 200}


def docker(*arguments):
    done = subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True)
    return done.stdout


def wait_until_all_answer(stack):
    deadline = time.monotonic() + SEEN_SECONDS
    wanted = replicas(stack)
    started = time.time()
    while answering(stack, started) != wanted:
        assert time.monotonic() < deadline, f"{answering(stack, started)} of {wanted} answered"
        time.sleep(1)
    return wanted


def test_scale_up_and_down_under_load(scaled_stack, figures):
    stack = scaled_stack

    with under_load(stack.port) as load:
        one = wait_until_all_answer(stack)
        scale(stack, 4)
        four = wait_until_all_answer(stack)
        scale(stack, 2)
        two = wait_until_all_answer(stack)

    assert (len(one), len(four), len(two)) == (1, 4, 2)
    assert load.failed == {}
    figures.append(f"scale 1 -> 4 -> 2: {load}")


def test_problem_without_a_replica(stack):
    stack.run("stop", "api")
    try:
        response = ask(stack.port, "POST", "/predictlabel", FOUR, "image/jpeg")
    finally:
        stack.run("start", "api")

    # 504 as long as NGINX still tries the address of the stopped replica.
    assert response.status in (503, 504)
    assert response.status == json.loads(response.body)["status"]
    wait_until_ready(stack.port)
