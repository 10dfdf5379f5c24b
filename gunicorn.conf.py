"""Gunicorn's configuration for `server:app`, with the reason for each setting."""

import ctypes
import gc
import logging
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

# Make `dlflask` importable, even if Gunicorn was started in another folder.
sys.path.insert(0, str(Path(__file__).parent))

# NumPy reads this variable when it is imported. The matrix products of this service are small.
# Several threads that compete for CPUs make such products slower. On a busy machine, a JPEG of
# 400 x 400 pixels took 76 ms with several threads, and 8 ms with one thread.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Turn off the garbage collector until the first fork. It would take a tenth of the start time and
# find hardly any garbage.
gc.disable()

# In a container this process has the process ID 1, so it ignores SIGTERM unless it has a handler.
# Gunicorn sets its handler only after the model is loaded. Without this earlier handler, a
# container that is stopped during the loading would run until Docker kills it.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def use_one_arena() -> None:
    """Let all threads allocate memory from one arena of malloc, on Linux with glibc.

    By default each thread has its own arena (memory area), which keeps the memory of the largest
    image that the thread ever decoded. Several arenas can exceed `MEMORY_FOR_REQUESTS`. The service
    would then reject valid images.
    """
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(-8, 1)  # M_ARENA_MAX


# Call this before the first thread starts, because it does not remove existing arenas.
use_one_arena()

# ruff: noqa: E402  these imports take almost a second, so the handler must come first
from dlflask.config import Config
from dlflask.errors import ConfigError
from dlflask.inference.environment import DEFAULT_BACKEND
from dlflask.metrics.slots import shared_metrics
from dlflask.server.logging import Logger
from dlflask.server.settings import check_address, check_backend, read_port, read_workers
from dlflask.web.load_shedding import THREADS
from dlflask.web.middleware.environ import OUT_OF_MEMORY
from dlflask.web.state import get_state

_CGROUP = Path("/sys/fs/cgroup")


def count_cpus() -> int:
    """Return the number of CPUs that this process and its container may use, at least 1."""
    affinity = getattr(os, "sched_getaffinity", None)  # missing on macOS
    cpus = len(affinity(0)) if affinity else os.cpu_count() or 1
    limit = _CGROUP / "cpu.max"  # control groups, version 2
    files_of_version_1 = [
        _CGROUP / "cpu" / name for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")
    ]
    if limit.is_file():
        quota, period = limit.read_text(encoding="ascii").split()
    elif files_of_version_1[0].is_file():
        quota, period = (path.read_text(encoding="ascii").strip() for path in files_of_version_1)
    else:
        return cpus
    if quota not in ("max", "-1"):
        cpus = min(cpus, round(int(quota) / int(period)))
    return max(1, cpus)


# If SCRIPT_NAME is set, Gunicorn responds 500 to each request outside of this path, including
# health checks. Let the application handle the path instead.
if path := os.environ.pop("SCRIPT_NAME", ""):
    os.environ.setdefault("DLFLASK_PATH_PREFIX", path)

try:
    # Check the settings in this process. If a setting made a worker fail in server.py, Gunicorn
    # would restart the worker again and again.
    Config.from_environment()
    bind = f"127.0.0.1:{read_port(os.environ)}"
    # The default is one worker process for each CPU.
    workers = read_workers(os.environ, count_cpus())
    backend = check_backend(os.environ)
except ConfigError as error:
    sys.exit(f"dlflask cannot start: {error}")

# Turn off Gunicorn's handling of proxy headers, because Gunicorn accepts these headers from every
# client on this machine. The application reads the headers of trusted proxies itself
# (DLFLASK_TRUSTED_PROXIES).
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}

# Gunicorn's gthread worker, changed so that slow clients cannot occupy its threads.
worker_class = "dlflask.server.gunicorn_worker.Worker"
threads = THREADS

# Load OpenVINO and the model before the fork, in memory that all workers share. The workers compile
# the network after the fork (post_worker_init), because OpenVINO's threads do not survive a fork.
# TensorFlow's threads, which start on import, do not survive either. With any backend except
# OpenVINO, each worker therefore loads the model itself.
preload_app = backend == DEFAULT_BACKEND

# Gunicorn kills a worker that does not report for this number of seconds. A request takes
# milliseconds, so such a worker hangs.
timeout = 30
# Maximum time in seconds to finish current requests before a stop. It must be shorter than
# stop_grace_period in docker-compose.yml, after which Docker kills the container.
graceful_timeout = 20
# NGINX closes an idle connection to the service after 60 s (keepalive_timeout). Gunicorn must keep
# the connection longer, so that NGINX does not send a request on a connection that is being closed.
keepalive = 75

# Maximum number of connections of a worker. The limit is high, because a waiting connection needs
# little memory, but the client of a rejected connection must retry. A worker that reads 1,000 small
# images per second handles 1,000 connections in one second. NGINX rejects requests before this
# limit is reached (`max_conns`).
worker_connections = 1000
# Maximum number of connections that wait in the kernel. The kernel ignores further connections.
backlog = 1024

# Each worker regularly updates a file to show that it is alive. Keep this file in memory, because a
# slow disk would delay the worker. Only Linux has /dev/shm.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
# Gunicorn's control socket is not used, and Gunicorn cannot create it in a read-only container.
control_socket_disable = True

# The access log is off, because NGINX already writes one, and Gunicorn's log takes a tenth of the
# time of a small request. GUNICORN_CMD_ARGS=--access-logfile=- turns it on.
accesslog = None
errorlog = "-"
logger_class = Logger


def on_starting(server: Any) -> None:
    """Exit with one line if the port is in use. Gunicorn would retry without giving the reason."""
    # Do not check an inherited socket, because its port is already in use. Gunicorn inherits its
    # sockets under systemd and after the signal USR2.
    if server.cfg.reuse_port or {"GUNICORN_FD", "LISTEN_FDS"} & set(os.environ):
        return
    try:
        for address in server.cfg.address:
            if isinstance(address, tuple):  # a Unix socket is a path
                check_address(*address)
    except ConfigError as error:
        sys.exit(f"dlflask cannot start: {error}")


def describe_models(log: Any, application: Any) -> None:
    """Log one line for each model, as a warning if the model is doubtful."""
    for recogniser in get_state(application).recognisers.values():
        info = recogniser.info
        line = "Model %s, SHA-256 %s. %s"
        level = logging.WARNING if info.is_doubtful else logging.INFO
        log.log(level, line, info.name, info.sha256[:12], info.description)


def when_ready(server: Any) -> None:
    """Describe the models before the workers start."""
    if preload_app:
        describe_models(server.log, server.app.wsgi())


def pre_fork(_: Any, worker: Any) -> None:
    """Reserve a slot for the worker: its part of the shared memory of the metrics."""
    # The garbage collector writes to every object that it checks. Exclude all objects that exist
    # before the fork, because writing would copy their shared memory into each worker.
    gc.freeze()
    gc.enable()
    worker.metrics_slot = shared_metrics().take_slot()


def post_fork(_: Any, worker: Any) -> None:
    """Write this worker's metrics to its slot."""
    shared_metrics().use_slot(worker.metrics_slot)


# Maximum number of bytes that a worker may allocate after its start. Requests that are being
# received or that wait for a thread take 128 MB, plus at most 64 kB for each connection
# (dlflask/server/connections/receiving.py). The threads hold several copies of bodies of 16 MB, in
# all 200 MB. One large image takes 300 MB (dlflask/imaging/decode_limits.py). The service rejects
# an image if decoding it exceeds the maximum.
MEMORY_FOR_REQUESTS = 768 * 1024 * 1024


def bound_memory() -> None:
    """Let the kernel limit the memory of this worker, on Linux."""
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text(encoding="ascii")
        kilobytes = int(status.partition("VmData:")[2].split()[0])
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (kilobytes * 1024 + MEMORY_FOR_REQUESTS, hard))


def post_worker_init(worker: Any) -> None:
    """Compile and test the network before the worker accepts its first connection."""
    health = get_state(worker.wsgi).health
    # On SIGTERM Gunicorn sets `alive` to False and finishes the current requests.
    health.is_draining = lambda: not worker.alive
    health.start()
    bound_memory()
    shared_metrics().count_worker()
    if not preload_app:
        describe_models(worker.log, worker.wsgi)
    worker.max_body_bytes = worker.wsgi.config["MAX_CONTENT_LENGTH"]
    if health.failure:
        worker.log.error("Worker is not ready: %s", health.failure)
    else:
        worker.log.info("Worker is ready, pid %s", worker.pid)


def post_request(worker: Any, _req: Any, environ: dict[str, Any], _resp: Any) -> None:
    """Replace a worker that has run out of memory."""
    if OUT_OF_MEMORY in environ:
        worker.retire("a request ran out of memory")


def child_exit(_: Any, worker: Any) -> None:
    """Free the slot of a worker that has exited."""
    shared_metrics().free_slot(worker.metrics_slot)
