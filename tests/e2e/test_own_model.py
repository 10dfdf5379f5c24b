"""A model of the user's own in the containers, without a build."""

import hashlib
import json
import shutil

import keras
import pytest

from tests.e2e.conftest import COMPOSE, Stack
from tests.serving import ask, wait_until_ready

pytestmark = pytest.mark.compose


def save_network(path):
    layers = [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    keras.Sequential(layers).save(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def served_sha256(port):
    return json.loads(ask(port, "GET", "/v2/models/mnist").body)["parameters"]["sha256"]


def test_replaced_model_is_served_after_a_restart(stack, tmp_path):
    model = stack.folder / "mnist_model.h5"
    shipped = model.read_bytes()
    sha256 = save_network(tmp_path / "own.h5")
    assert served_sha256(stack.port) == hashlib.sha256(shipped).hexdigest()
    try:
        # A renamed file is another file for a bind mount; a copied one is the same.
        (tmp_path / "own.h5").rename(model)
        stack.run("restart", "api")
        wait_until_ready(stack.port)
        assert served_sha256(stack.port) == sha256
    finally:
        model.write_bytes(shipped)
        stack.run("restart", "api")
        wait_until_ready(stack.port)
    assert served_sha256(stack.port) == hashlib.sha256(shipped).hexdigest()


@pytest.fixture(params=COMPOSE, ids=lambda version: f"compose-{version}")
def command(request, stack):
    """Return each command of Compose, after the image was built."""
    if shutil.which(COMPOSE[request.param][0]) is None:
        pytest.skip(f"{COMPOSE[request.param][0]} is not installed")
    return COMPOSE[request.param]


def test_model_path_and_settings_reach_the_container(command, clone, tmp_path):
    sha256 = save_network(tmp_path / "own.keras")
    settings = {"DLFLASK_MODEL_PATH": str(tmp_path / "own.keras")}
    settings |= {"DLFLASK_MAX_UPLOAD_BYTES": "1000", "WEB_CONCURRENCY": "1"}
    with Stack(command, clone, "own-model", **settings).up() as own:
        response = ask(own.port, "POST", "/predictlabel", b"\xff" * 1001, "image/jpeg")

        assert served_sha256(own.port) == sha256
        assert response.status == 413
        assert "dlflask_workers 1.0\n" in own.counters()
        checked = own.run("run", "--rm", "api", "python", "-m", "dlflask", "check", "--json")
        assert json.loads(checked.splitlines()[-1])["sha256"] == sha256


def test_unreadable_model_is_reported_in_one_line(command, clone, tmp_path):
    save_network(tmp_path / "own.h5")
    (tmp_path / "own.h5").chmod(0o600)
    own = Stack(command, clone, "unreadable", DLFLASK_MODEL_PATH=str(tmp_path / "own.h5"))
    try:
        own.run("up", "-d", "api")
        log = ""
        while "cannot start" not in log:
            log = own.run("logs", "api")
    finally:
        own.run("down", "--timeout", "5")

    line = next(line for line in log.splitlines() if "cannot start" in line)
    assert "chmod a+r own.h5" in line
    assert "10001" in line
    assert "Traceback" not in log
