"""The README's commands in a fresh clone."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.serving import ROOT, ask, free_port, running_server, wait_until_ready

pytestmark = pytest.mark.clone

INSTALL_SECONDS = 600
CURL = "curl -X POST -F image=@static/4.jpg http://127.0.0.1:{port}/predictlabel"


INSTALL = "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt"
START = ".venv/bin/gunicorn server:app"


@contextmanager
def running(folder, *command, **environment):
    """Run a command that serves; yield its port and its start time in seconds."""
    port = free_port()
    started = time.monotonic()
    inherited = {name: os.environ[name] for name in os.environ if not name.startswith("MAKE")}
    process = subprocess.Popen(
        [part.format(port=port) for part in command],
        cwd=folder,
        env=inherited | {name: value.format(port=port) for name, value in environment.items()},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until_ready(port, process, INSTALL_SECONDS)
        yield port, time.monotonic() - started
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def test_clone_serves_with_two_commands(clone, figures):
    with running(clone, "make", "run", "PORT={port}") as (port, first_seconds):
        command = CURL.format(port=port).split()
        done = subprocess.run(
            [*command, "--silent"], cwd=clone, check=True, capture_output=True, timeout=30
        )
    # Only the variable leads to the renamed model.
    model = (clone / "mnist_model.h5").rename(clone / "own.h5")
    try:
        own = "DLFLASK_MODEL_PATH=own.h5"
        with running(clone, "make", "run", "PORT={port}", own) as (_, second_seconds):
            pass
    finally:
        model.rename(clone / "mnist_model.h5")

    figures.append(f"make run: ready after {first_seconds:.1f} s, then {second_seconds:.1f} s")
    assert json.loads(done.stdout)["most_probable_label"] == "4"
    assert second_seconds < first_seconds / 2, "the second start installs nothing"


@pytest.fixture(scope="module")
def autocrlf_clone(tmp_path_factory):
    """Clone like Git for Windows with its default settings."""
    folder = tmp_path_factory.mktemp("autocrlf") / "digits"
    options = ("-c", "core.autocrlf=true")
    subprocess.run(["git", "clone", "--quiet", *options, ROOT, folder], check=True)
    return folder


def test_clone_with_autocrlf_has_the_same_bytes(clone, autocrlf_clone):
    # Identical files build the same image.
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=clone, check=True, capture_output=True, text=True
    ).stdout
    names = listed.rstrip("\0").split("\0")

    changed = [
        name
        for name in names
        if (clone / name).read_bytes() != (autocrlf_clone / name).read_bytes()
    ]

    assert len(names) > 100
    assert changed == []


def test_clone_with_autocrlf_runs(autocrlf_clone):
    with running_server(autocrlf_clone) as port:
        image = (autocrlf_clone / "static" / "4.jpg").read_bytes()
        response = ask(port, "POST", "/predictlabel", image, "image/jpeg")

    assert json.loads(response.body)["most_probable_label"] == "4"
    assert subprocess.run(["make", "help"], cwd=autocrlf_clone, check=False).returncode == 0


def test_clone_without_make(autocrlf_clone):
    subprocess.run(
        ["sh", "-c", INSTALL],
        cwd=autocrlf_clone,
        check=True,
        capture_output=True,
        timeout=INSTALL_SECONDS,
    )

    with running(autocrlf_clone, *START.split(), PORT="{port}") as (port, _):
        image = (autocrlf_clone / "static" / "4.jpg").read_bytes()
        response = ask(port, "POST", "/predictlabel", image, "image/jpeg")

    assert json.loads(response.body)["most_probable_label"] == "4"


def test_lock_reproduces_the_requirements(clone):
    # Uses the environment of this test; -o prevents make from reinstalling it.
    environment = ["-o", "requirements-dev.txt", f"DEV={sys.prefix}"]
    subprocess.run(["make", "lock", *environment], cwd=clone, check=True, timeout=300)

    changed = subprocess.run(
        ["git", "status", "--porcelain"], cwd=clone, check=True, capture_output=True, text=True
    )
    assert changed.stdout == ""


def test_clone_contains_the_promised_files(clone):
    promised = (
        "server.py mnist_model.h5 Dockerfile docker-compose.yml nginx/conf.d/local.conf templates "
        "static/4.jpg requirements.txt dlflask36.yaml notebooks tests README.md dlflask "
        "gunicorn.conf.py pyproject.toml Makefile CHANGELOG.md LICENSE .gitignore .dockerignore "
        "CONTRIBUTING.md SECURITY.md .gitattributes .editorconfig .pre-commit-config.yaml "
        ".github/workflows/ci.yml .github/dependabot.yml "
        ".ci/run"
    )

    assert [name for name in promised.split() if not (clone / name).exists()] == []
