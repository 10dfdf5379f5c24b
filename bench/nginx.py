"""Run NGINX in front of the service, with the project's configuration adapted to this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.fixtures import Fixture
from bench.servers import NGINX, Host, Server, free_port, run, wait_until_ready
from dlflask.config import ROOT

#: Texts to replace in the configuration, because NGINX does not run in a container here. All other
#: settings, such as buffers and limits, stay as in production.
_REPLACEMENTS = (
    # This pair must come first. The next pair inserts `folder`, which may be below /tmp too.
    ("/tmp/", "{folder}/"),  # noqa: S108  the text to replace
    ("/etc/nginx/conf.d/", "{folder}/conf.d/"),
    # The path of this file differs between systems. The service sends the type of each response, so
    # NGINX does not need the file.
    ("include /etc/nginx/mime.types;", ""),
    # NGINX and the service share one CPU here.
    ("worker_processes auto;", "worker_processes 1;"),
    # The service has a fixed address here.
    ("server api:8000 resolve", "server 127.0.0.1:{upstream}"),
    ("listen 8080;", "listen 127.0.0.1:{port};"),
    # NGINX before 1.27.4 rejects this setting. It only has an effect during reloads.
    ("keepalive_min_timeout 5s;", ""),
)


def render(folder: Path, upstream: int, port: int) -> None:
    """Write the adapted configuration to the empty `folder`.

    Args:
        folder: Folder in which NGINX reads and writes all its files.
        upstream: Port of the service.
        port: Port at which NGINX listens.

    Raises:
        CalledProcessError: nginx/configure.sh failed.
        ValueError: The configuration does not contain a text that must be replaced.
    """
    shutil.copy(ROOT / "nginx" / "nginx.conf", folder)
    shutil.copytree(ROOT / "nginx" / "conf.d", folder / "conf.d")
    paths = [folder / "nginx.conf", *(folder / "conf.d").iterdir()]
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    for old, new in _REPLACEMENTS:
        if not any(old in text for text in texts.values()):
            raise ValueError(f"The files of nginx/ do not contain {old!r}. Update bench/nginx.py.")
        value = new.format(folder=folder, upstream=upstream, port=port)
        texts = {path: text.replace(old, value) for path, text in texts.items()}
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    subprocess.run(  # noqa: S603  the project's own script
        ["sh", ROOT / "nginx" / "configure.sh", "true"],  # noqa: S607
        env=os.environ | {"SETTINGS_FOLDER": str(folder / "settings")},
        check=True,
    )


@contextmanager
def run_nginx(upstream: Server, host: Host, fixture: Fixture) -> Iterator[Server]:
    """Run NGINX in front of `upstream` on the same CPU. Yield after its first correct response."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-nginx-") as name:
        folder = Path(name)
        # If root starts NGINX, NGINX's workers run as another user, who must be able to enter the
        # folder.
        folder.chmod(0o755)
        render(folder, upstream.port, port)
        command = ["nginx", "-p", name, "-c", f"{name}/nginx.conf", "-g", "daemon off;"]
        with run(command, host) as process:
            server = Server(NGINX, port, process)
            wait_until_ready(server, fixture)
            yield server
