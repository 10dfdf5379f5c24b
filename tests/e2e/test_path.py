"""The page under a path, behind a real NGINX that stands for any proxy in front of the service."""

import shutil
import subprocess
from contextlib import contextmanager

import pytest

from tests.e2e.handwriting import write
from tests.e2e.page import marked, visit, wait_for_status
from tests.serving import ROOT, ask, free_port, running_server, wait_until_ready

pytestmark = pytest.mark.browser

#: Each proxy has a path of its own. /removed/digits/ sends no header, like `handle_path` of Caddy;
#: /named/digits/ sends X-Forwarded-Prefix, like StripPrefix of Traefik; /kept/digits/ forwards the
#: whole path, and the service has it in SCRIPT_NAME.
PATHS = ("/removed/digits/", "/named/digits/", "/kept/digits/")

CONFIGURATION = """
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 20m;
  proxy_set_header Host $http_host;
  server {{
    listen 127.0.0.1:{port};
    location = /readyz {{ proxy_pass http://127.0.0.1:{plain}; }}
    location /removed/digits/ {{ proxy_pass http://127.0.0.1:{plain}/; }}
    location /kept/digits/ {{ proxy_pass http://127.0.0.1:{configured}; }}
    location /named/digits/ {{
      proxy_pass http://127.0.0.1:{configured}/;
      proxy_set_header Host internal;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Prefix /named/digits;
    }}
  }}
}}
"""


@contextmanager
def running_nginx(folder, **ports):
    """Run NGINX in front of the services and yield its port."""
    port = free_port()
    # NGINX started by root works as another user, who must be able to enter the folder.
    folder.chmod(0o755)
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port, **ports))
    process = subprocess.Popen(["nginx", "-c", configuration, "-g", "daemon off;"])
    try:
        wait_until_ready(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def proxy(server, tmp_path_factory):
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed")
    settings = {"SCRIPT_NAME": "/kept/digits", "DLFLASK_TRUSTED_PROXIES": "127.0.0.1"}
    folder = tmp_path_factory.mktemp("proxy")
    with (
        running_server(**settings) as configured,
        running_nginx(folder, plain=server, configured=configured) as port,
    ):
        assert ask(configured, "GET", "/readyz").status == 200, "health checks keep their address"
        yield port


@pytest.fixture(params=PATHS)
def address(request, proxy):
    return f"http://127.0.0.1:{proxy}{request.param}"


def test_page_under_a_path_reads_drawing_file_and_sample(page, address):
    write(page, 7)
    wait_for_status(page, "This looks like a 7")
    page.set_input_files("#image", ROOT / "static" / "4.jpg")
    wait_for_status(page, "This looks like a 4")
    page.get_by_role("button", name="Sample 3").click()
    wait_for_status(page, "This looks like a 3")

    command = page.inner_text("#curl")
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=True, timeout=30)
    assert f"{address}predictlabel" in command
    assert b'"most_probable_label":"4"' in done.stdout


def test_form_under_a_path_without_javascript(plain_page, address):
    plain_page.get_by_role("button", name="Sample 3").click()
    assert marked(plain_page) == {3: "answer"}
    plain_page.set_input_files("#image", ROOT / "static" / "4.jpg")
    plain_page.click("text=Read the picture")

    assert marked(plain_page) == {4: "answer"}
    assert plain_page.url == address


def test_reference_under_a_path(browser, address):
    with visit(browser, address, loads_script=False) as page:
        page.click("text=The whole API")
        page.wait_for_load_state()
        width = page.evaluate("getComputedStyle(document.body).maxWidth")
        page.click("text=OpenAPI 3.1")
        assert page.url == f"{address}openapi.json"
        page.go_back()
        page.click("text=the page")

        assert page.url == address
        assert width != "none", "the style sheet was loaded"


def test_error_page_under_a_path(browser, address):
    with visit(browser, address, java_script_enabled=False) as page:
        page.goto(f"{address}no/such/address")
        page.get_by_role("button", name="Sample 3").click()

        assert page.url == address
        assert marked(page) == {3: "answer"}


@pytest.mark.parametrize("path", ["/named/digits/", "/kept/digits/"])
def test_openapi_under_a_path_names_it(proxy, path):
    document = ask(proxy, "GET", f"{path}openapi.json").body.decode()

    assert f'"servers": [{{"url": "{path}"}}]' in document
