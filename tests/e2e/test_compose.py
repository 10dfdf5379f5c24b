"""The containers of docker-compose.yml, run by a real engine and used through NGINX."""

import json
import re
import subprocess
import time

import pytest

from tests.conftest import encode
from tests.drawing import draw_number
from tests.invalid_requests import BAD_REQUESTS, encode_form, encode_request
from tests.serving import ROOT, ask, wait_until_ready

pytestmark = pytest.mark.compose

RESOLVER = "/tmp/settings/resolver"  # noqa: S108  in the container
MAX_IMAGE_BYTES = 600e6
MAX_WORKER_KILOBYTES = 300_000
NUMBER_MODEL = ROOT / "number_model.h5"
FOUR = (ROOT / "static" / "4.jpg").read_bytes()


def docker(*arguments):
    done = subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True)
    return done.stdout


def read_four(port):
    body, content_type = encode_form([("image", "4.jpg", FOUR)])
    return ask(port, "POST", "/predictlabel", body, content_type)


#: Sends a request to the service without NGINX and prints the response.
ASK_DIRECTLY = """
import pathlib, sys, urllib.request
picture = pathlib.Path("static/4.jpg").read_bytes()
asked = urllib.request.Request(
    "http://127.0.0.1:8000/predictlabel", picture, {"Content-Type": "image/jpeg"}
)
sys.stdout.write(urllib.request.urlopen(asked).read().decode())
"""


def test_published_port_gives_the_same_bytes(stack):
    through_nginx = read_four(stack.port)

    assert through_nginx.status == 200
    assert through_nginx.headers["Server"] == "nginx"
    direct = stack.run("exec", "-T", "api", "python", "-c", ASK_DIRECTLY)
    assert through_nginx.body.decode() == direct


@pytest.mark.skipif(not NUMBER_MODEL.is_file(), reason="number_model.h5 is missing")
def test_number_through_nginx(stack):
    body, content_type = encode_form([("image", "42.png", encode(draw_number("42")))])

    response = ask(stack.port, "POST", "/predictnumber?length=2", body, content_type)
    refused = ask(stack.port, "POST", "/predictnumber?length=x", body, content_type)

    assert response.status == 200
    assert json.loads(response.body)["number"] == "42"
    assert json.loads(refused.body)["type"] == "urn:dlflask:problem:invalid-length"


def test_container_gives_the_responses_of_the_local_service(stack, server):
    inside, outside = (json.loads(read_four(port).body) for port in (stack.port, server))

    assert inside["most_probable_label"] == outside["most_probable_label"]
    # The rounding of BLAS depends on the processor type, which an environment variable can set.
    for one, other in zip(inside["predictions"], outside["predictions"], strict=True):
        assert one["label"] == other["label"]
        assert float(one["probability"]) == pytest.approx(float(other["probability"]), abs=1e-7)


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: bad.name)
def test_bad_request_through_nginx(stack, bad):
    body, content_type = encode_request(bad)

    response = ask(stack.port, bad.method, bad.path, body, content_type)

    problem = json.loads(response.body)
    assert response.status == bad.status == problem["status"]
    assert response.headers["Content-Type"] == "application/problem+json"
    assert problem["success"] is False
    assert problem["request_id"] == response.headers["X-Request-ID"]


def test_nginx_serves_static_files(stack):
    script = ask(stack.port, "GET", "/static/page.js")
    missing = ask(stack.port, "GET", "/static/nothing.js")

    assert script.status == 200
    assert script.headers["Content-Type"].split(";")[0] in (
        "text/javascript",
        "application/javascript",
    )
    assert script.headers["ETag"].startswith('"'), "NGINX's own form of an ETag"
    assert missing.status == 404
    assert json.loads(missing.body)["success"] is False


@pytest.mark.parametrize(
    ("server", "resolver"), [("192.0.2.53", "192.0.2.53"), ("2001:db8::53", "[2001:db8::53]")]
)
def test_nginx_asks_the_name_server_of_its_network(stack, server, resolver):
    """Docker's own is at 127.0.0.11; the one of other engines, such as Podman, is elsewhere."""
    written = docker("run", "--rm", "--dns", server, "dlflask-nginx", "cat", RESOLVER)

    assert written == f"resolver {resolver} valid=2s ipv6=off;\n"


def test_page_while_the_service_is_stopped(stack):
    stack.run("stop", "api")
    try:
        page = ask(stack.port, "GET", "/", Accept="text/html,*/*;q=0.8")
        form = ask(stack.port, "POST", "/", b"x", "text/plain", Accept="text/html")
    finally:
        stack.run("start", "api")
        wait_until_ready(stack.port)

    # 504 while NGINX still has the address of the stopped container.
    assert {page.status, form.status} <= {503, 504}
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b'http-equiv="refresh"' in page.body
    assert form.headers["Content-Type"] == "application/problem+json"


def test_metrics_are_not_published(stack):
    assert ask(stack.port, "GET", "/metrics").status == 404


def test_only_nginx_is_published(stack):
    ports = docker(
        "inspect", "--format", "{{json .HostConfig.PortBindings}}", stack.container("api")
    )

    assert json.loads(ports) in ({}, None)


def test_containers_become_healthy(stack):
    deadline = time.monotonic() + 60
    for service in ("api", "nginx"):
        state = ""
        while state != "healthy" and time.monotonic() < deadline:
            state = docker(
                "inspect", "--format", "{{.State.Health.Status}}", stack.container(service)
            ).strip()
            time.sleep(0.5)
        assert state == "healthy", service


#: Files of the machine that each container sees.
MOUNTED = {"api": ["/model/mnist_model.h5"], "nginx": []}


def test_containers_are_restricted(stack):
    for service in ("api", "nginx"):
        name = stack.container(service)
        host = json.loads(docker("inspect", "--format", "{{json .HostConfig}}", name))

        assert docker("exec", name, "id", "-u").strip() != "0"
        # SELinux and file modes may forbid what a container reads from the machine.
        mounted = [one for one in mounts_of(name) if one["Type"] == "bind"]
        assert [one["Destination"] for one in mounted] == MOUNTED[service]
        assert not any(one["RW"] for one in mounted)
        assert host["ReadonlyRootfs"] is True
        assert host["CapDrop"] == ["ALL"]
        assert host["MemorySwap"] == host["Memory"] > 0, "no swap beside it"
        assert host["CpuQuota"] > 0
        assert host["PidsLimit"] > 0
        assert "no-new-privileges:true" in host["SecurityOpt"]
        assert host["LogConfig"] == {
            "Type": "json-file",
            "Config": {"max-size": "10m", "max-file": "5"},
        }


def test_service_has_no_route_out(stack):
    networks = {service: networks_of(stack.container(service)) for service in ("api", "nginx")}

    assert [network["Internal"] for network in networks["api"]] == [True]
    assert sorted(network["Internal"] for network in networks["nginx"]) == [False, True]


def mounts_of(container):
    return json.loads(docker("inspect", "--format", "{{json .Mounts}}", container))


def networks_of(container):
    names = json.loads(
        docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", container)
    )
    return json.loads(docker("network", "inspect", *names))


def test_image_size_and_worker_memory(stack, figures):
    size = int(docker("image", "inspect", "--format", "{{.Size}}", "dlflask"))
    processes = docker("exec", stack.container("api"), "sh", "-c", "cat /proc/[0-9]*/status")
    resident = [
        int(kilobytes)
        for name, kilobytes in re.findall(r"Name:\s+(\S+).*?VmRSS:\s+(\d+)", processes, re.DOTALL)
        if name == "gunicorn"
    ]

    figures.append(
        f"compose: image {size / 1e6:.0f} MB; RSS of a process at most {max(resident) / 1e3:.0f} "
        f"MB; `up -d` to ready {stack.seconds:.1f} s"
    )
    assert size <= MAX_IMAGE_BYTES
    assert max(resident) <= MAX_WORKER_KILOBYTES


def test_image_without_tensorflow_and_compiler(stack):
    name = stack.container("api")
    packages = docker("exec", name, "sh", "-c", "ls /opt/venv/lib/python3*/site-packages")
    compilers = docker("exec", name, "sh", "-c", "command -v gcc cc clang g++ || true")

    assert "keras" in packages.split()
    assert not {"tensorflow", "torch", "jax", "pip"} & set(packages.split())
    assert compilers == ""
