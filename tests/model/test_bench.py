"""The benchmark on the real service, short: that it measures what it promises, not how fast."""

import json
import shutil
import subprocess
import sys

import pytest

from bench.machine import find_cores
from bench.nginx import run_nginx
from bench.pictures import PICTURES
from bench.servers import NGINX, ORIGINAL, OURS, Host, missing, run_server
from tests.serving import ROOT

SMALL = PICTURES["small"]()
SOAK_REQUESTS = 300


def needs(*tools):
    absent = [tool for tool in tools if shutil.which(tool) is None]
    return pytest.mark.skipif(bool(absent), reason=f"not installed: {', '.join(absent)}")


@needs("wrk", "h2load")
def test_a_run_reports_what_it_promises(tmp_path):
    arguments = f"closed open batch memory --targets ours floor --fast --soak {SOAK_REQUESTS}"
    # With the environment that runs this test, for both; -o keeps make from installing it anew.
    done = subprocess.run(
        [
            *("make", "bench", "-o", f"{sys.prefix}/.installed"),
            *(f"DEV={sys.prefix}", f"SERVICE={sys.prefix}"),
            f"BENCH_ARGS={arguments} --output {tmp_path}",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )

    assert done.returncode == 0, done.stderr
    report = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    for target in ("ours", "floor"):
        for connections in ("1 connection", "16 connections", "64 connections"):
            assert f"| 28x28 PNG, {connections} | {target} |" in report
        assert f"| 28x28 PNG, at most 80% of the peak | {target} |" in report
    assert "| 12-megapixel JPEG, 1 connection | ours |" in report
    assert "| ours / floor, requests a second, 28x28 PNG, 16 connections | **0." in report
    assert "| one worker, after load | ours |" in report
    assert f"| {SOAK_REQUESTS} requests | ours |" in report
    assert (tmp_path / "results.svg").is_file()
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert sum(sample["figures"].get("errors", 0) for sample in results["samples"]) == 0
    batches = [each for each in results["samples"] if each["cell"]["part"] == "batches"]
    assert len(batches) == 5 or "batches: " in str(results["not_measured"])


@needs("nginx")
def test_nginx_with_the_projects_configuration_passes_pictures_on():
    host = Host(find_cores())

    with run_server(OURS, host, SMALL) as ours, run_nginx(ours, host, SMALL) as front:
        front.check(PICTURES["phone"]())

        assert front.target == NGINX
        assert front.post(b"")[0] == ours.post(b"")[0] == 400


def test_the_original_way_serves_the_model():
    if reason := missing(ORIGINAL):
        pytest.skip(reason)

    with run_server(ORIGINAL, Host(find_cores()), SMALL) as original:
        # Dark on light, as it expects them.
        _, body = original.post(PICTURES["middle"]().form)

    answer = json.loads(body)
    assert list(answer) == ["most_probable_label", "predictions", "success"]
    assert len(answer["predictions"]) == 10


def test_the_stages_of_a_request_are_profiled():
    done = subprocess.run(
        [sys.executable, "-m", "bench", "profile", "--requests", "5"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )

    assert "| stage | 28x28 PNG, us | share | 400x400 JPEG, us |" in done.stdout
    assert "| network | " in done.stdout
