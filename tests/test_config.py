from pathlib import Path

import pytest

from dlflask.config import Config
from dlflask.errors import ConfigError


def test_config_without_variables():
    assert Config.from_environment({"PATH": "/bin"}) == Config()
    assert Config().model_path.name == "mnist_model.h5"


def test_config_from_variables():
    config = Config.from_environment(
        {"DLFLASK_MODEL_PATH": "other.h5", "DLFLASK_MAX_UPLOAD_BYTES": "1000"}
    )

    assert config == Config(model_path=Path("other.h5"), max_upload_bytes=1000)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("DLFLASK_MODLE_PATH", "x", "DLFLASK_MODEL_PATH"),
        ("DLFLASK_MAX_UPLOAD_BYTES", "4 MB", "whole number"),
        ("DLFLASK_MAX_UPLOAD_BYTES", "0", "at least 1"),
    ],
)
def test_config_invalid_variable(name, value, message):
    with pytest.raises(ConfigError, match=message) as caught:
        Config.from_environment({name: value})

    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["DLFLASK_PORT", "DLFLASK_NGINX_IMAGE"])
def test_config_ignores_variables_of_docker_compose(name):
    assert Config.from_environment({name: "8080"}) == Config()
