import os
import subprocess
import sys
from pathlib import Path

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


def test_an_unsupported_python_is_named(tmp_path):
    old = tmp_path / "python2"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)

    done = subprocess.run(
        ["make", "build/none/.installed", f"PYTHON={old}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert f"{old} is not Python 3.11, 3.12 or 3.13" in done.stdout


def test_the_audit_fails_on_what_it_cannot_look_up():
    shown = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "--assume-old=.venv-dev/.installed", "audit"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert "pip-audit --strict" in shown
    assert "requirements.txt" in shown


def test_the_lint_finds_what_is_unsafe(tmp_path):
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
