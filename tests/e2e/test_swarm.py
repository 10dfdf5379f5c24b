"""Deployment, update and rollback on a Swarm of one node."""

import json
import os
import subprocess
import time
from contextlib import contextmanager

import pytest

from tests.e2e.background_load import under_load
from tests.serving import ROOT, ask, free_port, wait_until_ready

pytestmark = pytest.mark.compose

STACK = f"digits-{os.getpid()}"
FILES = ["-c", "docker-compose.yml", "-c", "deploy/swarm/stack.yml"]
#: Time limit of an update, in seconds. Health checks run every 5 s, and Swarm watches each replica
#: for `monitor`.
UPDATE_SECONDS = 120

FIRST, SECOND, BROKEN, NGINX = (
    f"{STACK}:{name}" for name in ("first", "second", "broken", "nginx")
)


def docker(*arguments, **options):
    done = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def images(engine, clone):
    """Build two versions of the service, and one that does not start."""
    docker("build", "-q", "-t", FIRST, str(clone))
    docker("build", "-q", "-t", NGINX, "-f", str(clone / "nginx" / "Dockerfile"), str(clone))
    docker("build", "-q", "-t", SECOND, "-", input=f"FROM {FIRST}\nLABEL second=1\n")
    docker("build", "-q", "-t", BROKEN, "-", input=f"FROM {FIRST}\nENV DLFLASK_MODLE=x\n")
    yield
    docker("rmi", "--force", FIRST, SECOND, BROKEN, NGINX)


@pytest.fixture(scope="module")
def swarm(images):
    """Make this engine a Swarm of one node."""
    if docker("info", "--format", "{{.Swarm.LocalNodeState}}") != "inactive":
        pytest.skip("this engine is part of a Swarm already, which the test leaves alone")
    address = "127.0.0.1"
    docker("swarm", "init", "--advertise-addr", address, "--listen-addr", f"{address}:2377")
    try:
        yield
    finally:
        docker("swarm", "leave", "--force")


class Deployment:
    def __init__(self, folder):
        self.port = free_port()
        self._folder = folder

    def deploy(self, image):
        docker(
            *("stack", "deploy", *FILES, "--resolve-image", "never", STACK),
            cwd=self._folder,
            env=os.environ
            | {
                "DLFLASK_PORT": str(self.port),
                "DLFLASK_IMAGE": image,
                "DLFLASK_NGINX_IMAGE": NGINX,
            },
        )

    def wait_for_update(self, *states):
        """Wait until the update of `api` has reached one of these states."""
        deadline = time.monotonic() + UPDATE_SECONDS
        while (state := self._update_state()) not in states:
            assert time.monotonic() < deadline, f"{state}; {self.tasks()}"
            time.sleep(0.5)

    def _update_state(self):
        status = docker("service", "inspect", "--format", "{{json .UpdateStatus}}", self.api)
        return (json.loads(status) or {}).get("State")

    def tasks(self):
        return docker("service", "ps", "--no-trunc", self.api)

    def running_images(self):
        form = "{{.Image}} {{.CurrentState}}"
        lines = docker(
            *("service", "ps", "--filter", "desired-state=running", "--format", form, self.api)
        ).splitlines()
        return [line.split()[0] for line in lines if line.split()[1] == "Running"]

    @property
    def api(self):
        return f"{STACK}_api"


@contextmanager
def deployed(folder):
    deployment = Deployment(folder)
    try:
        deployment.deploy(FIRST)
        wait_until_ready(deployment.port, seconds=UPDATE_SECONDS)
        yield deployment
    finally:
        docker("stack", "rm", STACK)
        wait_until_gone()


def wait_until_gone():
    """Leave the Swarm after its containers have stopped; otherwise they keep running."""
    label = f"label=com.docker.stack.namespace={STACK}"
    listings = (["ps", "-aq"], ["network", "ls", "-q"])
    deadline = time.monotonic() + UPDATE_SECONDS
    while any(docker(*listing, "--filter", label) for listing in listings):
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_update_loses_no_request_and_bad_update_is_rolled_back(swarm, clone, figures):
    with deployed(clone) as deployment, under_load(deployment.port) as load:
        assert ask(deployment.port, "GET", "/static/page.js").body == script()

        deployment.deploy(SECOND)
        deployment.wait_for_update("completed")
        after_update = deployment.running_images()

        deployment.deploy(BROKEN)
        deployment.wait_for_update("rollback_completed")
        after_rollback = deployment.running_images()

    assert after_update == [SECOND, SECOND]
    assert after_rollback == [SECOND, SECOND]
    assert load.failed == {}
    figures.append(f"Swarm update and rollback: {load}")


def script():
    return (ROOT / "static" / "page.js").read_bytes()
