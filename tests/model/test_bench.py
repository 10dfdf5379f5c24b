"""Short runs of the benchmark on the real service, to check that the report is complete."""

import json
import shutil
import subprocess
import sys

import pytest

from bench.fixtures import make_fixtures
from bench.nginx import run_nginx
from bench.results import Results
from bench.servers import KERAS, NGINX, NOOP, SERVICE, Host, find_cpus, missing, run_server
from tests.serving import ROOT


@pytest.fixture(scope="module")
def fixtures():
    return make_fixtures()


def needs(tool):
    return pytest.mark.skipif(shutil.which(tool) is None, reason=f"{tool} is not installed")


@needs("wrk")
def test_bench_writes_a_complete_report(tmp_path):
    arguments = f"--targets {SERVICE} {NOOP} --rounds 1 --seconds 1"
    # Both environments are the one of this test; -o prevents make from reinstalling it.
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
    for target in (SERVICE, NOOP):
        for connections in ("1 connection", "16 connections", "64 connections"):
            assert f"| 28x28 PNG, {connections} | {target} |" in report
        assert f"| 12-megapixel JPEG, 1 connection | {target} |" in report
        assert f"| first prediction | {target} |" in report
        assert f"| after load | {target} |" in report
    assert f"| /predictlabels, 64 images per request | {SERVICE} |" in report
    results = Results.read(tmp_path / "results.json")
    assert sum(sample.figures.get("errors", 0) for sample in results.samples) == 0


@needs("nginx")
def test_nginx_forwards_images_to_the_service(fixtures):
    host, small = Host(find_cpus()), fixtures["small"]

    with run_server(SERVICE, host, small) as service, run_nginx(service, host, small) as front:
        front.check(fixtures["phone"])

        assert front.target == NGINX
        assert front.post(b"")[0] == service.post(b"")[0] == 400


def test_keras_predict_baseline_serves_the_model(fixtures):
    if reason := missing(KERAS):
        pytest.skip(reason)

    with run_server(KERAS, Host(find_cpus()), fixtures["small"]) as baseline:
        # It expects dark ink on light paper.
        _, body = baseline.post(fixtures["middle"].form())

    prediction = json.loads(body)
    assert list(prediction) == ["most_probable_label", "predictions", "success"]
    assert len(prediction["predictions"]) == 10
