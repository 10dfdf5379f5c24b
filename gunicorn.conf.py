"""Gunicorn configuration of `server:app`, with a reason for every setting."""

import ctypes
import gc
import logging
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

# Gunicorn may have been started in another folder.
sys.path.insert(0, str(Path(__file__).parent))

# NumPy reads this when it is imported. Its matrix products are small here, and threads that compete
# for CPUs slow them down: 76 ms instead of 8.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Until the first fork almost nothing becomes garbage; looking for it takes a tenth of the start.
gc.disable()

# In a container this is process 1, which ignores SIGTERM without a handler. Gunicorn sets its own
# only after the model is loaded; a stop before that would wait until the container is killed.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def use_one_arena() -> None:
    """Let all threads allocate from one arena of malloc, on Linux with glibc.

    Each arena keeps the memory of the largest image that its thread ever decoded. Several of them
    exceed `MEMORY_FOR_REQUESTS`, and valid images fail.
    """
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(-8, 1)  # M_ARENA_MAX


# Before the first thread starts: existing arenas stay.
use_one_arena()

# ruff: noqa: E402  after the handler: these imports take most of a second
from dlflask.config import Config
from dlflask.errors import ConfigError
from dlflask.inference.environment import DEFAULT_BACKEND
from dlflask.metrics.slots import shared_metrics
from dlflask.server.logging import Logger
from dlflask.server.settings import (
    check_address,
    check_backend,
    read_port,
    read_workers,
)
from dlflask.web.load_shedding import THREADS
from dlflask.web.middleware.environ import OUT_OF_MEMORY
from dlflask.web.state import get_state

_CGROUP = Path("/sys/fs/cgroup")


def count_cpus() -> int:
    """Return the number of CPUs that this process may use, by the container's limit; at least 1."""
    affinity = getattr(os, "sched_getaffinity", None)  # missing on macOS
    cpus = len(affinity(0)) if affinity else os.cpu_count() or 1
    limit = _CGROUP / "cpu.max"
    older = [_CGROUP / "cpu" / name for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")]
    if limit.is_file():
        quota, period = limit.read_text(encoding="ascii").split()
    elif older[0].is_file():  # control groups, version 1
        quota, period = (path.read_text(encoding="ascii").strip() for path in older)
    else:
        return cpus
    if quota not in ("max", "-1"):
        cpus = min(cpus, round(int(quota) / int(period)))
    return max(1, cpus)


# Gunicorn would also answer health checks outside of this path with 500.
if path := os.environ.pop("SCRIPT_NAME", ""):
    os.environ.setdefault("DLFLASK_PATH_PREFIX", path)

try:
    # Also checked here, because Gunicorn restarts a worker that fails in server.py again and again.
    Config.from_environment()
    bind = f"127.0.0.1:{read_port(os.environ)}"
    # One worker process for each CPU.
    workers = read_workers(os.environ, count_cpus())
    backend = check_backend(os.environ)
except ConfigError as error:
    sys.exit(f"dlflask cannot start: {error}")

# The application reads the headers of proxies itself (DLFLASK_TRUSTED_PROXIES). Gunicorn would
# believe every client on this machine, and answers an address outside of SCRIPT_NAME with 500.
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}

worker_class = "dlflask.server.gunicorn_worker.Worker"  # gthread that slow clients cannot block
threads = THREADS

# Load OpenVINO and the model once, in memory that all workers share. The network is compiled after
# the fork (post_worker_init), because OpenVINO's threads do not survive it. TensorFlow starts its
# threads on import, so with that backend each worker loads the model itself.
preload_app = backend == DEFAULT_BACKEND

# A request takes milliseconds; a worker that does not respond for 30 s hangs.
timeout = 30
graceful_timeout = 20
# Longer than NGINX keeps an idle upstream connection (keepalive_timeout, 60 s), so that NGINX does
# not send a request on a connection that is being closed.
keepalive = 75

# A waiting connection costs little, a rejected one costs its client a retry. A worker that reads
# 1,000 small images a second handles this many in a second. NGINX rejects earlier (`max_conns`).
worker_connections = 1000
# As many again wait in the kernel, which ignores further ones.
backlog = 1024

# Keep the heartbeat file in memory: on a slow disk it stalls the worker. Only Linux has /dev/shm.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
# Gunicorn's control socket is not used, and cannot be created in a read-only container.
control_socket_disable = True

# Off, because NGINX writes the access log and this one costs a tenth of a small request's time.
# GUNICORN_CMD_ARGS=--access-logfile=- turns it on.
accesslog = None
errorlog = "-"
logger_class = Logger


def on_starting(server: Any) -> None:
    """Exit with one line if the port is in use; Gunicorn retries five times without a reason."""
    # After USR2 and under systemd Gunicorn inherits its listeners.
    if server.cfg.reuse_port or {"GUNICORN_FD", "LISTEN_FDS"} & set(os.environ):
        return
    try:
        for address in server.cfg.address:
            if isinstance(address, tuple):  # a Unix socket is a path
                check_address(*address)
    except ConfigError as error:
        sys.exit(f"dlflask cannot start: {error}")


def describe_models(log: Any, application: Any) -> None:
    """Log a line for each model: the values it was trained on, its outputs, and any doubt."""
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
    """Reserve a slot of the shared metrics for the worker."""
    # The garbage collector writes to every object that it looks at, which would copy the shared
    # memory into each worker. It ignores the objects that exist before the fork.
    gc.freeze()
    gc.enable()
    worker.metrics_slot = shared_metrics().take_slot()


def post_fork(_: Any, worker: Any) -> None:
    """Write this worker's metrics to its slot."""
    shared_metrics().use_slot(worker.metrics_slot)


# Bytes that a worker may allocate after its start. Requests that are received or wait take 128 MB,
# plus at most 64 kB for each connection (dlflask/server/connections/receiving.py). Threads hold
# 16 MB bodies several times over, 200 MB, and one large image, 300 MB
# (dlflask/imaging/decode_limits.py). An image that exceeds this is rejected.
MEMORY_FOR_REQUESTS = 768 * 1024 * 1024


def bound_memory() -> None:
    """Let the kernel limit the memory of this worker, on Linux."""
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text(encoding="ascii")
        kilobytes = int(status.partition("VmData:")[2].split()[0])
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (kilobytes * 1024 + MEMORY_FOR_REQUESTS, hard))


def post_worker_init(worker: Any) -> None:
    """Compile and self-test before the worker takes its first connection."""
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
    """Free the slot of an exited worker."""
    shared_metrics().free_slot(worker.metrics_slot)
