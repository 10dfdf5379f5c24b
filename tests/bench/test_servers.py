import http.server
import re
import runpy
import subprocess
import sys
import threading

import pytest
from gunicorn.config import Config

from bench import nginx
from bench.floor import ANSWER, app
from bench.machine import Cores
from bench.memory import measure_memory
from bench.pictures import CONTENT_TYPE, PICTURES
from bench.servers import FLOOR, NGINX, OURS, DoesNotServe, Server, missing, wait_until_right
from tests.serving import ROOT

SMALL = PICTURES["small"]()


def test_the_floor_answers_as_much_as_the_service_does(client):
    ours = client.post("/predictlabel", data=SMALL.form, content_type=CONTENT_TYPE)
    floor = app.test_client().post("/predictlabel", data=SMALL.form, content_type=CONTENT_TYPE)

    assert floor.status_code == 200
    assert floor.mimetype == ours.mimetype
    assert floor.json.keys() == ours.json.keys()
    # Probabilities differ in their number of digits, by some 60 bytes between pictures.
    assert len(ANSWER) == pytest.approx(len(ours.data), abs=80)


def test_the_floor_runs_by_the_settings_of_the_service():
    ours = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    floor = runpy.run_path(str(ROOT / "bench" / "floor_gunicorn.py"))

    settings = ours.keys() & Config().settings.keys()
    assert {"workers", "worker_class", "threads", "keepalive"} <= settings
    values = {name for name in settings if not callable(ours[name])}
    assert {name: floor[name] for name in values} == {name: ours[name] for name in values}


def test_nginx_runs_the_projects_configuration(tmp_path):
    nginx.render(tmp_path, upstream=8001, port=8002)

    main = (tmp_path / "nginx.conf").read_text(encoding="utf-8")
    site = (tmp_path / "conf.d" / "local.conf").read_text(encoding="utf-8")
    assert f"include {tmp_path}/conf.d/*.conf;" in main
    assert re.search(r"server 127\.0\.0\.1:8001\b", site)
    assert "listen 127.0.0.1:8002;" in site
    assert "/etc/nginx/conf.d" not in main + site
    assert not re.search(r"(?m)^resolver", site)


def test_a_configuration_that_changed_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(nginx, "_REPLACEMENTS", (("no such line;", ""),))

    with pytest.raises(ValueError, match=r"no 'no such line;' any more; mend bench/nginx\.py"):
        nginx.render(tmp_path, upstream=1, port=2)


def test_a_missing_nginx_is_named_with_its_package(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "Debian and Ubuntu: nginx" in missing(NGINX)
    assert missing(FLOOR) is None


@pytest.mark.parametrize(
    ("usable", "server", "load", "says"),
    [
        pytest.param((0, 3), "0", "3", "on CPU 0; load on CPU 3", id="two"),
        pytest.param((2,), "2", "2", "share CPU 2, the only one", id="one"),
        pytest.param((), None, None, "not pinned", id="no-affinity"),
    ],
)
def test_server_and_load_are_held_apart_where_that_can_be(usable, server, load, says):
    cores = Cores(usable)

    assert cores.for_server() == (["taskset", "--cpu-list", server] if server else [])
    assert cores.for_load() == (["taskset", "--cpu-list", load] if load else [])
    assert cores.are_apart() == (len(usable) == 2)
    assert says in str(cores)


def test_memory_is_of_all_processes():
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    with subprocess.Popen(
        [sys.executable, "-c", f"print(flush=True); {child}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        while (memory := measure_memory(process.pid)).processes < 2:
            pass
        process.stdin.close()

    assert memory.rss > 5
    assert memory.pss is None or 0 < memory.pss <= memory.rss


class Wrong(http.server.BaseHTTPRequestHandler):
    """Sees a 9 in everything."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"most_probable_label": "9"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_a_service_that_misreads_is_not_measured():
    with (
        http.server.HTTPServer(("127.0.0.1", 0), Wrong) as listener,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process,
    ):
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        server = Server(OURS, listener.server_port, process)

        with pytest.raises(DoesNotServe, match="ours answers 200 to the 28x28 PNG"):
            wait_until_right(server, SMALL)

        listener.shutdown()


def test_a_server_that_ended_is_not_waited_for():
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as process:
        process.wait()

        with pytest.raises(DoesNotServe, match="ours ended with 3"):
            wait_until_right(Server(OURS, 9, process), SMALL)
