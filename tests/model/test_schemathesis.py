"""Whatever /openapi.json allows, and what it does not, asked of the running service."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving import ROOT

CONFIG = Path(__file__).with_name("schemathesis.toml")


def test_service_conforms_to_openapi(server, figures):
    pytest.importorskip("schemathesis", reason="a development package")

    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", CONFIG, "run"),
            *("--phases", "examples,coverage,fuzzing", "--checks", "all", "--no-color"),
            f"http://127.0.0.1:{server}/openapi.json",
        ],
        cwd=ROOT,
        env=os.environ
        | {"SCHEMATHESIS_HOOKS": "tests.model.schemathesis_hooks", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    selected, total = re.search(r"(\d+) selected / (\d+) total", done.stdout).groups()
    asked = int(re.search(r"(\d+) generated", done.stdout)[1])
    assert selected == total != "0"
    assert asked > 300
    figures.append(f"schemathesis: {asked} requests to {total} operations, nothing found")
