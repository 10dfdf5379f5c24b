import shutil
import subprocess

import pytest

from tests.browsing import BROWSERS, find_browser, running_browser
from tests.serving import ROOT, running_server

#: Brings an engine and the base images up on a machine that reaches no image registry.
ENGINE_STAND_IN = ROOT.parent / "shared" / "docker" / "engine"


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
