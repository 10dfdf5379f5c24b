"""The project's own NGINX configuration, with addresses and folders of one process put in."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.pictures import Picture
from bench.servers import NGINX, Host, Server, free_port, run, wait_until_right
from dlflask.config import ROOT

#: What differs between the container and a process beside the service. Nothing else is touched:
#: buffers, keep-alive, limits and the access log are measured as they are deployed.
_REPLACEMENTS = (
    # First, as the new folder may lie in /tmp itself.
    (r"/tmp/", "{folder}/"),  # noqa: S108  what is replaced
    (r"/etc/nginx/conf\.d/", "{folder}/conf.d/"),
    # Where it lies differs between systems, and answers of the service name their own type.
    (r"include /etc/nginx/mime\.types;", ""),
    # One CPU is all that NGINX and the service have here together.
    (r"worker_processes auto;", "worker_processes 1;"),
    # Docker's name server; here the service has one address.
    (r"(?m)^resolver .*$", ""),
    (r"server api:\d+ resolve", "server 127.0.0.1:{upstream}"),
    (r"listen \d+;", "listen 127.0.0.1:{port};"),
    # For reloads, of which there are none here; unknown to NGINX before 1.27.4.
    (r"keepalive_min_timeout \w+;", ""),
)


def render(folder: Path, upstream: int, port: int) -> None:
    """Write what docker-compose.yml mounts to `folder`, for a service at `upstream`.

    Args:
        folder: Exists and is empty.
        upstream: The service's port.
        port: For clients.

    Raises:
        ValueError: The configuration no longer holds what is to be replaced.
    """
    shutil.copy(ROOT / "nginx" / "nginx.conf", folder)
    shutil.copytree(ROOT / "nginx" / "conf.d", folder / "conf.d")
    paths = [folder / "nginx.conf", *(folder / "conf.d").iterdir()]
    texts = [path.read_text(encoding="utf-8") for path in paths]
    for pattern, replacement in _REPLACEMENTS:
        new = replacement.format(folder=folder, upstream=upstream, port=port)
        if not any(re.search(pattern, text) for text in texts):
            raise ValueError(f"nginx/ has no {pattern!r} any more; mend bench/nginx.py.")
        texts = [re.sub(pattern, new, text) for text in texts]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8")


@contextmanager
def run_nginx(upstream: Server, host: Host, picture: Picture) -> Iterator[Server]:
    """NGINX in front of `upstream`, on the same CPU; yields once it passes on right answers."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-nginx-") as name:
        folder = Path(name)
        # Started by root, NGINX works as another user.
        folder.chmod(0o755)
        render(folder, upstream.port, port)
        command = ["nginx", "-p", name, "-c", f"{name}/nginx.conf", "-g", "daemon off;"]
        with run([*host.cores.for_server(), *command]) as process:
            server = Server(NGINX, port, process)
            wait_until_right(server, picture)
            yield server
