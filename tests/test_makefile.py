import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving import ROOT


def test_help_lists_every_target():
    done = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    phony = next(
        line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith(".PHONY")
    )
    listed = [line.split()[1] for line in done.stdout.splitlines()]
    assert listed == phony.split()[1:]


def make(*arguments):
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_install_with_unsupported_python(tmp_path):
    old = tmp_path / "python2"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)

    done = make("build/none/.installed", f"PYTHON={old}")

    assert done.returncode != 0
    assert f"{old} is not Python 3.11, 3.12, 3.13 or 3.14" in done.stdout


def test_install_keeps_a_linked_environment(tmp_path):
    environment = tmp_path / "environment"
    environment.mkdir()
    (environment / "pyvenv.cfg").touch()
    link = tmp_path / "link"
    link.symlink_to(environment)

    done = make(f"{link}/.installed", f"PYTHON={sys.executable}")

    assert done.returncode != 0
    assert f"{link} is a link" in done.stdout
    assert [path.name for path in environment.iterdir()] == ["pyvenv.cfg"]


def test_install_announces_itself():
    shown = make("--dry-run", "build/none/.installed", f"PYTHON={sys.executable}").stdout

    assert "into build/none; this takes a few minutes the first time" in shown


@pytest.mark.parametrize("port", ["in use", "70000", "abc"])
def test_run_with_unavailable_port(port):
    # Uses the environment of this test; -o prevents make from reinstalling it.
    environment = ["-o", f"{sys.prefix}/.installed", f"SERVICE={sys.prefix}"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1]) if port == "in use" else port

        done = make("run", *environment, f"PORT={port}")

    assert done.returncode != 0
    assert port in done.stderr
    assert "Traceback" not in done.stderr


def test_quick_excludes_servers_and_browsers():
    shown = make("--dry-run", "--assume-old=.venv-dev/.installed", "quick").stdout

    assert "not (slow or model or train)" in shown
    assert "--ignore=tests/model --ignore=tests/train --ignore=tests/e2e" in shown


def test_audit_fails_on_unknown_package():
    shown = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "--assume-old=.venv-dev/.installed", "audit"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert "pip-audit --strict" in shown
    assert "requirements.txt" in shown


def test_lint_finds_unsafe_code(tmp_path):
    unsafe = tmp_path / "unsafe.py"
    unsafe.write_text('"""Unsafe."""\n\nimport pickle\n\nvalue = pickle.loads(b"")\n')

    found = subprocess.run(
        ["ruff", "check", "--config", ROOT / "pyproject.toml", "--output-format=concise", unsafe],
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "S301" in found.stdout
