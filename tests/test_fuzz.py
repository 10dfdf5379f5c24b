"""Short runs of `make fuzz`, with and without atheris."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.serving import ROOT

pytestmark = pytest.mark.slow


def fuzz(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("target", ["decode", "number", "post"])
def test_fuzz_target_runs(target, tmp_path):
    if find_spec("atheris") is None:
        pytest.skip("atheris is not installed: it is published for Linux on x86-64")

    # libFuzzer reads ru_maxrss, which on Linux includes the peak of the parent, pytest. The targets
    # check memory themselves.
    done = fuzz(target, tmp_path, "-atheris_runs=200", "-rss_limit_mb=0")

    assert done.returncode == 0, done.stderr[-2_000:]
    assert "Done 200" in done.stderr
    assert len(list((tmp_path / target).iterdir())) > 10


def test_fuzz_without_atheris():
    if find_spec("atheris") is not None:
        pytest.skip("atheris is installed")

    done = fuzz("decode", "build/fuzz")

    assert done.returncode == 1
    assert "Run `make fuzz` there" in done.stderr
