import http.server
import re
import runpy
import subprocess
import sys
import threading

import psutil
import pytest
from gunicorn.config import Config

from bench import nginx
from bench.baseline_noop import RESPONSE, app
from bench.fixtures import CONTENT_TYPE, make_fixtures
from bench.servers import (
    NGINX,
    NOOP,
    SERVICE,
    Host,
    Server,
    ServerError,
    find_cpus,
    missing,
    run,
    wait_until_ready,
)
from tests.serving import ROOT


@pytest.fixture(scope="module")
def small():
    return make_fixtures()["small"]


def test_noop_baseline_returns_as_much_as_the_service(client, small):
    service = client.post("/predictlabel", data=small.form(), content_type=CONTENT_TYPE)
    noop = app.test_client().post("/predictlabel", data=small.form(), content_type=CONTENT_TYPE)

    assert noop.status_code == 200
    assert noop.mimetype == service.mimetype
    assert noop.json.keys() == service.json.keys()
    # Probabilities differ in their number of digits, by about 60 bytes between images.
    assert len(RESPONSE) == pytest.approx(len(service.data), abs=80)


def test_noop_baseline_has_the_settings_of_the_service():
    service = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    noop = runpy.run_path(str(ROOT / "bench" / "baseline_noop_gunicorn.py"))

    settings = service.keys() & Config().settings.keys()
    assert {"workers", "worker_class", "threads", "keepalive"} <= settings
    values = {name for name in settings if not callable(service[name])}
    assert {name: noop[name] for name in values} == {name: service[name] for name in values}


def test_render_adapts_the_nginx_configuration(tmp_path):
    nginx.render(tmp_path, upstream=8001, port=8002)

    main = (tmp_path / "nginx.conf").read_text(encoding="utf-8")
    site = (tmp_path / "conf.d" / "local.conf").read_text(encoding="utf-8")
    assert f"include {tmp_path}/conf.d/*.conf;" in main
    assert re.search(r"server 127\.0\.0\.1:8001\b", site)
    assert "listen 127.0.0.1:8002;" in site
    assert "/etc/nginx/conf.d" not in main + site
    assert f"include {tmp_path}/settings/resolver;" in site
    assert (tmp_path / "settings" / "resolver").read_text().startswith("resolver ")


def test_render_reports_a_missing_text(tmp_path, monkeypatch):
    monkeypatch.setattr(nginx, "_REPLACEMENTS", (("no such line;", ""),))

    with pytest.raises(ValueError, match=r"do not contain 'no such line;'. Update bench/nginx"):
        nginx.render(tmp_path, upstream=1, port=2)


def test_missing_nginx_names_the_package(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "Debian and Ubuntu: nginx" in missing(NGINX)
    assert missing(NOOP) is None


@pytest.mark.parametrize(
    ("usable", "text"),
    [
        pytest.param((0, 3), "on CPU 0, load on CPU 3", id="two"),
        pytest.param((2,), "share the only CPU", id="one"),
        pytest.param((), "not pinned", id="no-affinity"),
    ],
)
def test_describe_cpus(usable, text):
    assert text in Host(usable).describe_cpus()


@pytest.mark.skipif(not find_cpus(), reason="this system cannot pin processes")
def test_run_pins_the_server_to_the_first_cpu():
    cpus = find_cpus()

    with run([sys.executable, "-c", "import signal; signal.pause()"], Host(cpus)) as process:
        assert psutil.Process(process.pid).cpu_affinity() == [cpus[0]]


def test_memory_includes_child_processes():
    # The child prints a line when it has started, because its memory grows until then.
    child = "[sys.executable, '-c', 'print(flush=True); input()']"
    with subprocess.Popen(
        [sys.executable, "-c", f"import subprocess, sys; subprocess.run({child})"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        memory = Server(SERVICE, 9, process).measure_memory()
        alone = psutil.Process(process.pid).memory_info().rss / 1e6
        process.stdin.close()

    assert memory["rss"] > alone
    assert "pss" not in memory or 0 < memory["pss"] <= memory["rss"]


class Wrong(http.server.BaseHTTPRequestHandler):
    """Predict a 9 for every image."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"most_probable_label": "9"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_wait_rejects_a_wrong_prediction(small):
    with (
        http.server.HTTPServer(("127.0.0.1", 0), Wrong) as listener,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process,
    ):
        threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True).start()
        server = Server(SERVICE, listener.server_port, process)

        with pytest.raises(ServerError, match="service returned the status 200 for the 28x28 PNG"):
            wait_until_ready(server, small)

        listener.shutdown()


def test_wait_reports_a_server_that_ended(small):
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as process:
        process.wait()

        with pytest.raises(ServerError, match="service ended with the exit status 3"):
            wait_until_ready(Server(SERVICE, 9, process), small)
