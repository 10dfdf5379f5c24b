import os
import shutil
import subprocess
import time
from contextlib import contextmanager

import pytest

from tests.browser import BROWSERS, find_browser, running_browser
from tests.e2e.page import visit
from tests.serving import ROOT, free_port, running_server, wait_until_ready

#: Brings an engine and the base images up on a machine that reaches no image registry.
ENGINE_STAND_IN = ROOT.parent / "shared" / "docker" / "engine"


#: Compose v2 is a plugin of the engine's client; 1.29 is a program of its own.
COMPOSE = {"v2": ["docker", "compose"], "1.29": ["docker-compose"]}

#: Run inside a container: /metrics is not let out.
PRINT_COUNTERS = (
    "import urllib.request as r;"
    "print(r.urlopen('http://127.0.0.1:8000/metrics', timeout=20).read().decode())"
)


class Stack:
    """A running composition: its port, its folder, its seconds to ready, and its commands."""

    def __init__(self, command, folder, name, files=(), **environment):
        self.port = free_port()
        self.folder = folder
        files = [option for file in files for option in ("-f", file)]
        # Two runs of these tests at the same time do not take down each other's containers.
        self._command = [*command, "--project-name", f"{name}{os.getpid()}", *files]
        self._environment = os.environ | {"DLFLASK_PORT": str(self.port)} | environment

    def run(self, *arguments):
        done = subprocess.run(
            [*self._command, *arguments],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def up(self):
        """Built, started and ready; taken down afterwards."""
        self.run("build")
        started = time.monotonic()
        try:
            self.run("up", "-d")
            wait_until_ready(self.port)
            self.seconds = time.monotonic() - started
            yield self
        finally:
            self.run("down", "--timeout", "5")

    def counters(self):
        """The text of /metrics, which is read inside the container only."""
        return self.run("exec", "-T", "api", "python", "-c", PRINT_COUNTERS)

    def container(self, service):
        return self.run("ps", "-q", service).strip()


@pytest.fixture(scope="session")
def engine():
    """A Docker engine that answers, started where a stand-in is at hand."""
    if shutil.which("docker") is None and not ENGINE_STAND_IN.is_file():
        pytest.skip("docker is not installed")
    if ENGINE_STAND_IN.is_file():
        subprocess.run([ENGINE_STAND_IN], check=True, capture_output=True, timeout=900)
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        pytest.skip("no Docker engine answers: start Docker, then run `make e2e` again")


@pytest.fixture(scope="session")
def clone(tmp_path_factory):
    """A fresh clone of what is committed, as a stranger gets it."""
    folder = tmp_path_factory.mktemp("clone") / "digits"
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    return folder


@pytest.fixture(scope="session", params=COMPOSE, ids=lambda version: f"compose-{version}")
def stack(request, engine, clone):
    """The containers, up and ready behind NGINX; once by each version of Compose."""
    command = COMPOSE[request.param]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    with Stack(command, clone, f"digits{request.param.replace('.', '')}").up() as stack:
        yield stack


@pytest.fixture(scope="session")
def any_compose(engine):
    """The command of one version of Compose."""
    return next(command for command in COMPOSE.values() if shutil.which(command[0]))


@pytest.fixture(scope="session")
def server():
    with running_server() as port:
        yield port


@pytest.fixture(scope="session")
def browser():
    if find_browser() is None:
        pytest.skip(f"no browser: install one of {', '.join(BROWSERS)}")
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def address(server):
    return f"http://127.0.0.1:{server}/"


@pytest.fixture
def page(browser, address):
    """The page, at the size of a laptop's window."""
    with visit(browser, address, viewport={"width": 1280, "height": 860}) as page:
        yield page


@pytest.fixture
def plain_page(browser, address):
    """The page in a browser without JavaScript."""
    with visit(browser, address, java_script_enabled=False) as page:
        yield page
