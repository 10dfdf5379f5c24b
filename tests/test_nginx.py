"""nginx/configure.sh: settings of NGINX that depend on the installation."""

import os
import subprocess

import pytest

from tests.serving import ROOT


def configure(folder, **settings):
    """Run the script; return the finished process and {name: content} of the files it wrote."""
    environment = {"PATH": os.environ["PATH"], "SETTINGS_FOLDER": str(folder), **settings}
    script = ROOT / "nginx" / "configure.sh"
    done = subprocess.run(
        ["sh", script, "echo", "started"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done, {path.name: path.read_text() for path in folder.iterdir()}


def test_configure_without_settings(tmp_path):
    done, files = configure(tmp_path)

    assert done.stdout == "started\n"
    assert files.pop("resolver").startswith("resolver ")
    assert files == {
        "real-ip": "real_ip_recursive on;\n",
        "proxies": "",
        "prefix": 'default "";\n',
        "server": "",
        "origins": "",
        "keys": "",
        "location": "",
    }


@pytest.mark.parametrize("trusted", ["10.0.0.7,2001:db8::/32", " 10.0.0.7 , 2001:db8::/32"])
def test_configure_trusted_proxies(tmp_path, trusted):
    _, files = configure(tmp_path, DLFLASK_TRUSTED_PROXIES=trusted)

    assert files["proxies"] == "10.0.0.7 1;\n2001:db8::/32 1;\n"
    assert "set_real_ip_from 10.0.0.7;\nset_real_ip_from 2001:db8::/32;\n" in files["real-ip"]


def test_configure_every_address_is_trusted(tmp_path):
    _, files = configure(tmp_path, DLFLASK_TRUSTED_PROXIES="*")

    assert files["proxies"] == "0.0.0.0/0 1;\n::/0 1;\n"
    assert files["real-ip"].startswith("real_ip_recursive off;\n")


def test_configure_path_prefix(tmp_path):
    _, files = configure(tmp_path, DLFLASK_PATH_PREFIX="/tools/v1.2/")

    assert files["prefix"] == 'default "/tools/v1.2";\n'
    assert files["server"] == "rewrite (?s)^/tools/v1\\.2(?:/(.*))?\\z /$1;\n"


def test_configure_allowed_origins(tmp_path):
    origins = "HTTPS://App.example.org:443/, http://localhost:3000,http://[::1]:80"

    _, files = configure(tmp_path, DLFLASK_ALLOWED_ORIGINS=origins)

    assert files["origins"].split(" $http_origin;\n") == [
        '"https://app.example.org"',
        '"http://localhost:3000"',
        '"http://[::1]"',
        "",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DLFLASK_TRUSTED_PROXIES", "proxy.example"),
        ("DLFLASK_TRUSTED_PROXIES", "10.0.0.7; include /etc/passwd"),
        ("DLFLASK_ALLOWED_ORIGINS", "*"),
        ("DLFLASK_ALLOWED_ORIGINS", "app.example.org"),
        ("DLFLASK_ALLOWED_ORIGINS", 'https://x"; include /etc/passwd; "'),
        ("DLFLASK_PATH_PREFIX", "tools"),
        ("DLFLASK_PATH_PREFIX", "//tools"),
        ("DLFLASK_PATH_PREFIX", "/tools//"),
        ("DLFLASK_PATH_PREFIX", '/tools"; include /etc/passwd; "'),
        ("DLFLASK_PATH_PREFIX", "/tools\n/x"),
    ],
)
def test_configure_invalid_setting_is_one_line(tmp_path, name, value):
    done, _ = configure(tmp_path, **{name: value})

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"NGINX cannot start: {name} ")
    assert "such as" in done.stderr
