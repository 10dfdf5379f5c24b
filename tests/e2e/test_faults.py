"""Faults under load with two replicas behind NGINX: no request may fail."""

import dataclasses
import json
import re
import shutil
import subprocess

import pytest

from dlflask.inference.model_file import read_golden, write_golden
from tests.e2e.background_load import under_load, wait_until
from tests.e2e.conftest import COMPOSE, PRINT_COUNTERS, Stack
from tests.serving import ask

pytestmark = pytest.mark.compose

#: Replaces the model with a file that is not a model, like an incomplete download.
BROKEN = """
services:
  api:
    volumes: ["./README.md:/app/mnist_model.h5:ro"]
"""


#: Fills the only writable folder, like many large bodies.
FULL = "/tmp/full"  # noqa: S108  in a container
FILL = f"i=0; while [ $i -lt 1200 ] && head -c 262144 /dev/zero >> {FULL}; do i=$((i+1)); done"


def docker(*arguments):
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def replicas(engine, clone):
    """Start two api containers behind NGINX."""
    if shutil.which("docker") is None:
        pytest.skip("docker is not installed")
    with Stack(COMPOSE["v2"], clone, "digitsfaults").up() as stack:
        stack.run("up", "-d", "--scale", "api=2")
        yield stack


@pytest.fixture
def apis(replicas):
    """Return the names of both api containers once they are healthy."""
    found = replicas.run("ps", "-q", "api").split()
    assert len(found) == 2
    for name in found:
        wait_until_healthy(name)
    return found


@pytest.fixture
def load(replicas, apis, figures, request):
    """Send load through NGINX during the test; afterwards no request may have failed."""
    with under_load(replicas.port) as load:
        yield load
    figures.append(f"{request.node.name}: {load}")
    assert load.failed == {}


def wait_until_healthy(name):
    def is_healthy():
        return docker("inspect", "--format", "{{.State.Health.Status}}", name) == "healthy"

    wait_until(is_healthy, f"{name} does not become healthy")


def workers(name):
    """Return the process ids of Gunicorn's workers inside the container."""
    found = docker("exec", name, "sh", "-c", "grep -sl '^PPid:.1$' /proc/[0-9]*/status || true")
    lines = found.split()
    pids = [line.split("/")[2] for line in lines]
    return [pid for pid in pids if "gunicorn" in docker_reads(name, f"/proc/{pid}/cmdline")]


def docker_reads(name, path):
    return docker("exec", name, "sh", "-c", f"cat {path} 2>/dev/null || true")


def test_killed_worker(load, apis):
    before = workers(apis[0])

    docker("exec", apis[0], "sh", "-c", f"kill -9 {before[0]}")

    wait_until(
        lambda: len(workers(apis[0])) == len(before) and before[0] not in workers(apis[0]),
        "the worker is not replaced",
    )
    load.wait_for_predictions(100)


def test_killed_and_restarted_container(load, apis):
    docker("kill", apis[0])
    load.wait_for_predictions(100)

    docker("start", apis[0])

    wait_until_healthy(apis[0])
    load.wait_for_predictions(100)


def test_rolling_restart(load, apis):
    for name in apis:
        docker("restart", "--time", "30", name)
        wait_until_healthy(name)
        load.wait_for_predictions(50)

    # A container killed after the timeout exits with 137 and loses its current requests.
    assert {docker("inspect", "--format", "{{.State.ExitCode}}", name) for name in apis} == {"0"}


def test_stopped_container(load, apis):
    docker("stop", "--time", "30", apis[0])

    assert docker("inspect", "--format", "{{.State.ExitCode}}", apis[0]) == "0"
    load.wait_for_predictions(100)
    docker("start", apis[0])


def test_nginx_reload(load, replicas):
    nginx = replicas.run("ps", "-q", "nginx").strip()

    for _ in range(3):
        docker("exec", nginx, "nginx", "-s", "reload")
        load.wait_for_predictions(100)


def test_frozen_container(load, apis):
    docker("pause", apis[0])
    try:
        # Requests to the frozen container time out, are retried on the other, and then avoid it.
        wait_until(lambda: load.slowest > 5, "no request was sent to the frozen container")
        load.wait_for_predictions(100)
        # NGINX returns 504 for a request that timed out at a replica that runs again by then.
        wait_until(lambda: load.longest_wait < 1, "requests still wait for the frozen container")
    finally:
        docker("unpause", apis[0])


def test_replica_with_failed_self_test(load, apis, clone, tmp_path):
    """Such a replica returns 502 faster than others respond, so it would attract requests."""
    model = tmp_path / "unlike-golden.h5"
    shutil.copyfile(clone / "mnist_model.h5", model)
    model.chmod(0o644)
    golden = read_golden(model)
    write_golden(model, dataclasses.replace(golden, outputs=golden.outputs[::-1]))
    networks = docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", apis[0])
    name = docker(
        *("run", "--detach", "--network", *json.loads(networks), "--network-alias", "api"),
        *("--volume", f"{model}:/unlike-golden.h5:ro"),
        *("--env", "DLFLASK_MODEL_PATH=/unlike-golden.h5", "dlflask"),
    )
    try:
        wait_until(lambda: "502" in statuses(name), "no request was sent to it")
        load.wait_for_predictions(300)

        assert "200" not in statuses(name)
    finally:
        docker("rm", "--force", name)


def statuses(name):
    """Return the statuses of the replica's predictions, from its own metrics."""
    counters = subprocess.run(
        ["docker", "exec", name, "python", "-c", PRINT_COUNTERS],
        capture_output=True,
        text=True,
        check=False,  # It may not be ready yet.
    )
    return set(re.findall(r'_total{route="/predictlabel",status="(\d+)"', counters.stdout))


def test_full_temporary_file_systems(load, apis, replicas):
    nginx = replicas.run("ps", "-q", "nginx").strip()
    for name in (*apis, nginx):
        docker("exec", name, "sh", "-c", f"{FILL} 2>/dev/null; true")
    try:
        load.wait_for_predictions(200)
        big = ask(replicas.port, "POST", "/predictlabel", b"\x89PNG" * 10_000, "image/png")
        assert big.status == 415, "bodies that fit into memory are still read"
    finally:
        for name in (*apis, nginx):
            docker("exec", name, "rm", FULL)


def test_stop_while_the_model_is_loaded(replicas):
    name = docker("run", "--detach", "dlflask")
    try:
        # SIGTERM is bit 14 of the caught signals.
        wait_until(
            lambda: (
                int(docker_reads(name, "/proc/1/status").split("SigCgt:")[1].split()[0], 16) >> 14
                & 1
            ),
            "no handler of SIGTERM",
        )

        docker("stop", "--time", "20", name)

        assert docker("inspect", "--format", "{{.State.ExitCode}}", name) == "0"
    finally:
        docker("rm", "--force", name)


def test_corrupt_model_is_reported_in_one_line_at_each_start(clone, replicas):
    (clone / "broken.yml").write_text(BROKEN)
    command = [*COMPOSE["v2"], "-f", "docker-compose.yml", "-f", "broken.yml"]
    stack = Stack(command, clone, "digitsbroken")
    try:
        stack.run("up", "-d", "--no-build")
        name = stack.run("ps", "-a", "-q", "api").strip()
        wait_until(
            lambda: int(docker("inspect", "--format", "{{.RestartCount}}", name)) >= 3,
            "it is not restarted",
        )
        response = ask(stack.port, "GET", "/readyz")
        log = subprocess.run(["docker", "logs", name], capture_output=True, text=True, check=True)
    finally:
        stack.run("down", "--timeout", "5")
        (clone / "broken.yml").unlink()

    lines = (log.stdout + log.stderr).splitlines()
    assert response.status in (503, 504)
    assert json.loads(response.body)["status"] == response.status
    assert len(lines) >= 3
    assert {line for line in lines if "dlflask cannot start: /app/mnist_model.h5" in line} == {
        *lines
    }
