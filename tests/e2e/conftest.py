import os
import shutil
import subprocess
import time
from contextlib import contextmanager

import pytest

from tests.browser import BROWSERS, find_browser, running_browser
from tests.e2e.page import visit
from tests.serving import ROOT, free_port, running_server, wait_until_ready

#: Program that starts an engine with the base images on a machine without an image registry.
ENGINE_STAND_IN = ROOT.parent / "shared" / "docker" / "engine"


#: Commands of both versions: v2 is a plugin of Docker's client, 1.29 a separate program.
COMPOSE = {"v2": ["docker", "compose"], "1.29": ["docker-compose"]}

#: Prints /metrics inside a container; NGINX does not publish it.
PRINT_COUNTERS = (
    "import urllib.request as r;"
    "print(r.urlopen('http://127.0.0.1:8000/metrics', timeout=20).read().decode())"
)


class Stack:
    """A Compose project: port, folder, start time in seconds, and commands."""

    def __init__(self, command, folder, name, files=(), **environment):
        self.port = free_port()
        self.folder = folder
        files = [option for file in files for option in ("-f", file)]
        # A name with the process id, so that parallel runs do not stop each other's containers.
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
        """Build and start the containers, wait until they are ready, and stop them."""
        self.run("build")
        started = time.monotonic()
        try:
            self.run("up", "-d")
            wait_until_ready(self.port)
            self.seconds = time.monotonic() - started
            yield self
        finally:
            self.run("down", "--timeout", "5", "--volumes")

    def counters(self):
        """Return the text of /metrics, read inside the container."""
        return self.run("exec", "-T", "api", "python", "-c", PRINT_COUNTERS)

    def container(self, service):
        return self.run("ps", "-q", service).strip()


@pytest.fixture(scope="session")
def engine():
    """Require a Docker engine; start one if a program for that exists."""
    if shutil.which("docker") is None and not ENGINE_STAND_IN.is_file():
        pytest.skip("docker is not installed")
    if ENGINE_STAND_IN.is_file():
        subprocess.run([ENGINE_STAND_IN], check=True, capture_output=True, timeout=900)
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        pytest.skip("the Docker engine does not respond: start Docker, then run `make e2e` again")


@pytest.fixture(scope="session")
def clone(tmp_path_factory):
    """Clone the committed state, as a new user gets it."""
    folder = tmp_path_factory.mktemp("clone") / "digits"
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    return folder


#: Files of the images that an editor on Windows may have saved with CRLF.
CRLF_FILES = ("*Dockerfile", "*.yml", "*.py", "nginx/*", "templates/*")


@pytest.fixture(scope="session")
def rough_clone(tmp_path_factory):
    """Clone with umask 077 into a path with a space, like Git for Windows, and save with CRLF."""
    folder = tmp_path_factory.mktemp("rough") / "my digits"
    clone = ["git", "clone", "--quiet", "-c", "core.autocrlf=true", ROOT, folder]
    subprocess.run(clone, check=True, umask=0o077)
    assert (folder / "server.py").stat().st_mode & 0o777 == 0o600
    listed = subprocess.run(
        ["git", "ls-files", "-z", *CRLF_FILES], cwd=folder, check=True, capture_output=True
    )
    for name in listed.stdout.decode().rstrip("\0").split("\0"):
        text = (folder / name).read_bytes()
        (folder / name).write_bytes(text.replace(b"\n", b"\r\n"))
    # As in `clone`: the engine compares the mode, too, before it reuses the installed packages.
    (folder / "requirements.txt").chmod(0o644)
    return folder


@pytest.fixture(scope="session", params=COMPOSE, ids=lambda version: f"compose-{version}")
def stack(request, engine, rough_clone):
    """Start the containers with each version of Compose, from a clone that is hard to use."""
    command = COMPOSE[request.param]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    with Stack(command, rough_clone, f"digits{request.param.replace('.', '')}").up() as stack:
        yield stack


@pytest.fixture(scope="session")
def any_compose(engine):
    """Return the command of any installed version of Compose."""
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
    """Open the page in a window of a laptop's size."""
    with visit(browser, address, viewport={"width": 1280, "height": 860}) as page:
        yield page


@pytest.fixture
def plain_page(browser, address):
    """Open the page in a browser without JavaScript."""
    with visit(browser, address, java_script_enabled=False) as page:
        yield page
