"""Limits of the process that reads models, each tried in a process of its own."""

import subprocess
import sys

import pytest

from tests.serving import ROOT

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="macOS does not enforce this limit")


def run_limited(program):
    command = f"from dlflask.inference.keras_reader.limits import limit_process\n{program}"
    return subprocess.run(
        [sys.executable, "-c", command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@ON_LINUX
@pytest.mark.parametrize(
    "program",
    [
        pytest.param("import socket; limit_process(); socket.socket()", id="socket"),
        pytest.param("import os; limit_process(); os.execv('/bin/sh', ['sh'])", id="program"),
        pytest.param("import os; limit_process(); os.kill(os.getppid(), 0)", id="signal"),
    ],
)
def test_limited_process_is_not_permitted(program):
    done = run_limited(program)

    assert "PermissionError" in done.stderr


@ON_LINUX
def test_limited_process_memory():
    done = run_limited("limit_process(); bytearray(5 * 1024**3)")

    assert "MemoryError" in done.stderr


def test_limited_process_files():
    done = run_limited(
        "import os; limit_process(); files = [open(os.devnull) for _ in range(1000)]"
    )

    assert "Too many open files" in done.stderr
