"""Start and stop of the real service."""

import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from dlflask.config import Config
from dlflask.inference.model_file import read_golden, write_golden
from tests.serving import ROOT, ask, free_port, wait_until_ready, without_tensorflow

#: Loaded by every Python process of the service. Blocks and logs all connections to other machines.
SITECUSTOMIZE = """\
import os, sys

LEAVES = {"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"}


def watch(event, arguments):
    if event in LEAVES:
        log(f"{event} {arguments}")
        raise OSError("refused by the test")
    if event == "import" and arguments[0].startswith("openvino_telemetry."):
        log(f"import {arguments[0]}")


def log(line):
    with open(os.environ["WATCH_LOG"], "a") as file:
        file.write(line + chr(10))


sys.addaudithook(watch)
log("watched")
"""


#: Logs the program of each process that imports a package that the service starts without.
IMPORTS = """\
import os, sys

# OpenVINO's converter of model files imports absl.
HEAVY = "keras", "h5py", "scipy", "absl"


def watch(event, arguments):
    if event == "import" and arguments[0] in HEAVY:
        with open(os.environ["WATCH_LOG"], "a") as file:
            file.write(f"{arguments[0]} {sys.orig_argv}" + chr(10))


sys.addaudithook(watch)
"""


@contextmanager
def started(*options, folder=ROOT, **environment):
    """Start the service; yield its port and process, and stop it if it still runs."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *options, "server:app"],
        cwd=folder,
        env=os.environ
        | {"PORT": str(port), "KERAS_BACKEND": "openvino"}
        | without_tensorflow()
        | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield port, process
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=60)


def test_start_opens_no_connections(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITECUSTOMIZE)
    log = tmp_path / "log"
    environment = {
        "HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(tmp_path / "site"),
        "WATCH_LOG": str(log),
        "WEB_CONCURRENCY": "1",
        # No graph is kept, so the process that reads models is started too.
        "DLFLASK_GRAPH_FOLDER": str(tmp_path / "graphs"),
    }

    with started(**environment) as (port, process):
        wait_until_ready(port, process)

    assert set(log.read_text().splitlines()) == {"watched"}
    assert not (tmp_path / "home" / "intel").exists()


def test_stop_after_failed_self_test(tmp_path):
    """A second OpenVINO core in a worker ended it by SIGSEGV."""
    path = Path(shutil.copy(Config().model_path, tmp_path))
    golden = read_golden(path)
    write_golden(path, dataclasses.replace(golden, outputs=golden.outputs[::-1]))
    environment = {"DLFLASK_MODEL_PATH": str(path), "WEB_CONCURRENCY": "3"}

    with started(**environment) as (port, process):
        lines = []
        while sum("Worker is not ready" in line for line in lines) < 3:
            lines.append(process.stdout.readline())
            assert lines[-1], "the service ended"
        readiness = ask(port, "GET", "/readyz")
        process.terminate()
        log = "".join(lines) + process.communicate(timeout=60)[0]

    assert (readiness.status, json.loads(readiness.body)) == (503, {"status": "failed"})
    assert process.returncode == 0
    assert log.count("Worker is not ready") == log.count("Booting worker") == 3, "no restarts"
    assert "SIGSEGV" not in log
    assert "Traceback" not in log


def test_start_without_heavy_packages(tmp_path):
    """Only the reader of models imports them. The second start takes the graph that is kept."""
    graphs = tmp_path / "graphs"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(IMPORTS)
    log = tmp_path / "log"
    environment = {
        "DLFLASK_GRAPH_FOLDER": str(graphs),
        "PYTHONPATH": str(tmp_path / "site"),
        "WATCH_LOG": str(log),
        "WEB_CONCURRENCY": "1",
    }
    with started(**environment) as (port, process):
        wait_until_ready(port, process)
    first = log.read_text().splitlines()
    log.unlink()
    graphs.chmod(0o555)

    with started(**environment) as (port, process):
        wait_until_ready(port, process)

    assert {"keras", "h5py"} <= {line.partition(" ")[0] for line in first}
    assert [line for line in first if "keras_reader" not in line] == []
    assert not log.exists()
    assert len(list(graphs.glob("*.graph"))) == len(["digits", "numbers"])
    compiled = ["one digit", "several digits", "one line"]
    assert len(list(graphs.glob("*.compiled"))) == len(compiled)


def test_start_port_in_use():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = str(listener.getsockname()[1])
        with started(PORT=taken, WEB_CONCURRENCY="1") as (_, process):
            log = process.communicate(timeout=60)[0]

    assert process.returncode == 1
    assert f"dlflask cannot start: The service cannot listen at 127.0.0.1:{taken}" in log
    assert "Traceback" not in log
    assert "Retrying" not in log


def test_start_elsewhere_with_the_configuration(tmp_path):
    options = ("--config", str(ROOT / "gunicorn.conf.py"))
    with started(*options, folder=tmp_path, WEB_CONCURRENCY="1") as (port, process):
        wait_until_ready(port, process)


def test_start_without_the_configuration(tmp_path):
    with started("--chdir", str(ROOT), folder=tmp_path) as (_, process):
        log = process.communicate(timeout=60)[0]

    assert process.returncode == 4
    assert log.count("dlflask cannot start: gunicorn.conf.py was not read") == 1
    assert "python -m dlflask serve" in log
    assert "Traceback" not in log
