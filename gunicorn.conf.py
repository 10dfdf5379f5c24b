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
from dlflask.admission import THREADS
from dlflask.environ import OUT_OF_MEMORY
from dlflask.logs import Logger
from dlflask.metrics import SHARED
from dlflask.service import service_of

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


bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"

# One process per CPU computes; its threads read uploads and keep connections. WEB_CONCURRENCY,
# gunicorn's own variable, overrides the count.
workers = int(os.environ.get("WEB_CONCURRENCY", count_cpus()))
worker_class = "dlflask.worker.Worker"  # gthread, of which no client holds a thread
threads = THREADS

# Keras and the model are loaded once and shared by all workers. The runtime compiles after the
# fork (post_worker_init): its threads would not survive it. TensorFlow's start when it is imported,
# so on that backend every worker loads for itself.
preload_app = os.environ.get("KERAS_BACKEND", "openvino") == "openvino"

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


def pre_fork(_: Any, worker: Any) -> None:
    """Choose the row of shared memory that the worker counts in."""
    worker.metrics_row = SHARED.take_row()


def post_fork(_: Any, worker: Any) -> None:
    """Count there from now on."""
    SHARED.use_row(worker.metrics_row)


# What a worker may take beyond what it has when it is ready. Requests that arrive or wait take
# 128 MB and at most 64 kB for each connection: dlflask/reception_loop.py. Its threads hold 16 MB
# bodies a few times over, 200 MB, and one large picture, 300 MB: dlflask/limits.py.
# What understates its size there (an AVIF can) is refused here by the kernel: 422, damaged.
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
    readiness = service_of(worker.wsgi).readiness
    # Gunicorn sets this to False on SIGTERM, and finishes what the worker has in hand.
    readiness.is_draining = lambda: not worker.alive
    readiness.start()
    bound_memory()
    SHARED.count_worker()
    worker.max_body_bytes = worker.wsgi.config["MAX_CONTENT_LENGTH"]
    if readiness.fault:
        worker.log.error("Worker is not ready: %s", readiness.fault)
    else:
        worker.log.info("Worker is ready, pid %s", worker.pid)


def post_request(worker: Any, _req: Any, environ: dict[str, Any], _resp: Any) -> None:
    """Replace a worker that has run out of memory."""
    if OUT_OF_MEMORY in environ:
        worker.retire("a request ran out of memory")


def child_exit(_: Any, worker: Any) -> None:
    """What a worker that ended, however it did, was doing is done no more."""
    SHARED.free_row(worker.metrics_row)
