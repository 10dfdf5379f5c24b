"""How gunicorn runs `server:app`. Every setting stands here with its reason."""

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

# NumPy reads this when it is imported. Its products here are of a few hundred pixels: split among
# threads that compete for cores, one took 76 ms instead of 8.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# In a container this is process 1, for which SIGTERM has no effect until a handler stands: gunicorn
# sets its own after the model is loaded. A stop in those seconds was waited out and killed, 30 s.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def use_one_arena() -> None:
    """Let all threads allocate from one arena, where malloc has several: Linux with glibc.

    Each arena would keep the memory of the largest image its thread ever decoded, and three of
    them exceed `MEMORY_FOR_REQUESTS`, so that valid images fail.
    """
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(-8, 1)  # M_ARENA_MAX


# Before the first thread: an arena that exists stays.
use_one_arena()

# ruff: noqa: E402  after the handler: these take most of a second
from dlflask.config import Config
from dlflask.errors import ConfigError
from dlflask.metrics.slots import shared_metrics
from dlflask.server.logging import Logger
from dlflask.server.settings import (
    DEFAULT_BACKEND,
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
    """CPUs this process may use, at least 1: a container's limit counts, not the host's cores."""
    affinity = getattr(os, "sched_getaffinity", None)  # macOS has none
    cpus = len(affinity(0)) if affinity else os.cpu_count() or 1
    limit = _CGROUP / "cpu.max"
    older = [_CGROUP / "cpu" / name for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")]
    if limit.is_file():
        quota, period = limit.read_text(encoding="ascii").split()
    elif older[0].is_file():  # version 1 of control groups
        quota, period = (path.read_text(encoding="ascii").strip() for path in older)
    else:
        return cpus
    if quota not in ("max", "-1"):
        cpus = min(cpus, round(int(quota) / int(period)))
    return max(1, cpus)


try:
    # Checked here and not only in server.py: a worker that fails there is started over and over.
    Config.from_environment()
    bind = f"127.0.0.1:{read_port(os.environ)}"
    # One process per CPU computes; its threads read uploads and keep connections.
    workers = read_workers(os.environ, count_cpus())
    backend = check_backend(os.environ)
except ConfigError as error:
    sys.exit(f"dlflask cannot start: {error}")

# Clients on this machine may otherwise send a header SCRIPT_NAME, and a path outside of it is an
# error that gunicorn answers with 500 before the application is asked.
forwarder_headers = ""

worker_class = "dlflask.server.gunicorn_worker.Worker"  # gthread, of which no client holds a thread
threads = THREADS

# Keras and the model are loaded once and shared by all workers. The runtime compiles after the
# fork (post_worker_init): its threads would not survive it. TensorFlow's start when it is imported,
# so on that backend every worker loads for itself.
preload_app = backend == DEFAULT_BACKEND

# A request takes milliseconds; a worker that is silent for 30 s hangs.
timeout = 30
graceful_timeout = 20
# Longer than NGINX keeps an idle upstream connection (60 s), or it would send into a closed one.
keepalive = 75

# A connection that waits costs little, and one that is refused costs its client a second try: so
# many are let wait that a worker at 1,000 small pictures a second works them off in a second.
# NGINX, in front, refuses earlier (`max_conns`), and at once.
worker_connections = 1000
# As many again wait in the kernel, where further ones are not answered.
backlog = 1024

# The heartbeat file belongs in memory: on a slow disk it stalls the worker. macOS has no /dev/shm.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
# Fails in a read-only container, and nothing here uses it.
control_socket_disable = True

# NGINX writes the access log; here it would cost a tenth of a small request.
# GUNICORN_CMD_ARGS=--access-logfile=- turns this one on.
accesslog = None
errorlog = "-"
logger_class = Logger


def on_starting(server: Any) -> None:
    """Exit with one line if the port is taken; Gunicorn would try five times and not say why."""
    # After USR2 and under systemd the listeners are inherited.
    if server.cfg.reuse_port or {"GUNICORN_FD", "LISTEN_FDS"} & set(os.environ):
        return
    try:
        for address in server.cfg.address:
            if isinstance(address, tuple):  # a Unix socket is a path
                check_address(*address)
    except ConfigError as error:
        sys.exit(f"dlflask cannot start: {error}")


def pre_fork(_: Any, worker: Any) -> None:
    """Choose the slot of shared memory that the worker counts in."""
    worker.metrics_slot = shared_metrics().take_slot()


def post_fork(_: Any, worker: Any) -> None:
    """Count there from now on."""
    shared_metrics().use_slot(worker.metrics_slot)


# Memory of a worker beyond what it has when it is ready. Requests that are being received or wait
# take 128 MB, and at most 64 kB for each connection (dlflask/server/receiving.py). Threads
# hold 16 MB bodies a few times over, 200 MB, and one large image, 300 MB
# (dlflask/imaging/decode_limits.py). The kernel refuses more to an image that understates its size,
# which is then reported as damaged.
MEMORY_FOR_REQUESTS = 768 * 1024 * 1024


def bound_memory() -> None:
    """Let the kernel refuse a worker more memory, where it can: Linux."""
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text(encoding="ascii")
        kilobytes = int(status.partition("VmData:")[2].split()[0])
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (kilobytes * 1024 + MEMORY_FOR_REQUESTS, hard))


def post_worker_init(worker: Any) -> None:
    """Compile and self-test before the worker takes its first connection."""
    health = get_state(worker.wsgi).health
    # Gunicorn sets `alive` to False on SIGTERM, and finishes the requests that the worker has.
    health.is_draining = lambda: not worker.alive
    health.start()
    bound_memory()
    shared_metrics().count_worker()
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
