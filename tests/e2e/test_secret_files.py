"""Files of API keys and TLS that NGINX cannot read."""

import subprocess

import pytest

pytestmark = pytest.mark.compose


@pytest.mark.parametrize(
    ("target", "name", "says"),
    [
        ("tls", "key.pem", "user 101 may not read /etc/nginx/tls/key.pem. Run `chown 101`"),
        ("keys.txt", "", "/etc/nginx/keys.txt is not a file. Check the path in DLFLASK_API_KEYS."),
    ],
)
def test_file_that_nginx_cannot_read_is_named(stack, tmp_path, target, name, says):
    if name:
        for file in ("cert.pem", "key.pem"):
            (tmp_path / file).write_text("secret")
        (tmp_path / name).chmod(0o600)
    tmp_path.chmod(0o755)
    mount = f"type=bind,source={tmp_path},target=/etc/nginx/{target},readonly"

    done = subprocess.run(
        ["docker", "run", "--rm", "--mount", mount, "dlflask-nginx"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 1
    assert done.stderr.startswith(f"NGINX cannot start: {says}")
