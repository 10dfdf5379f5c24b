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
        # Until the next start, the mount holds the file that was renamed away.
        (tmp_path / "own.h5").rename(model)
        stack.run("restart", "api")
        wait_until_ready(stack.port)
        assert served_sha256(stack.port) == sha256
    finally:
        model.write_bytes(shipped)
        stack.run("restart", "api")
        wait_until_ready(stack.port)


@pytest.fixture(params=COMPOSE, ids=lambda version: f"compose-{version}")
def own(request, engine, clone, tmp_path):
    """Start a model of the user's own, outside of the project, with other settings."""
    command = COMPOSE[request.param]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    sha256 = save_network(tmp_path / "own.keras")
    settings = {"DLFLASK_MODEL_PATH": str(tmp_path / "own.keras")}
    settings |= {"DLFLASK_MAX_UPLOAD_BYTES": "1000", "WEB_CONCURRENCY": "1"}
    with Stack(command, clone, f"own{request.param.replace('.', '')}", **settings).up() as stack:
        yield stack, tmp_path / "own.keras", sha256


def test_own_model_and_settings_reach_the_container(own):
    stack, model, sha256 = own

    response = ask(stack.port, "POST", "/predictlabel", b"\xff" * 1001, "image/jpeg")
    assert served_sha256(stack.port) == sha256
    assert response.status == 413
    assert "dlflask_workers 1.0\n" in stack.counters()

    checked = stack.run("run", "--rm", "api", "python", "-m", "dlflask", "check", "--json")
    assert json.loads(checked.splitlines()[-1])["sha256"] == sha256

    # The number model's graph is in the image.
    list_graphs = ("exec", "-T", "api", "sh", "-c", "stat -c '%n %Y' build/graphs/*.graph")
    (kept,) = stack.run(*list_graphs).splitlines()
    assert kept.startswith(f"build/graphs/{sha256[:12]}-")
    stack.run("restart", "api")
    wait_until_ready(stack.port)
    assert stack.run(*list_graphs).splitlines() == [kept]

    model.chmod(0o600)
    stack.run("restart", "api")
    log = ""
    while "cannot start" not in log:
        log = stack.run("logs", "api")
    refusal = next(line for line in log.splitlines() if "cannot start" in line)
    assert f"chmod a+r {model.name}" in refusal
    assert "10001" in refusal
    assert "Traceback" not in log
