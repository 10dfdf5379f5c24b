"""The commands and programs of the documentation, run as they are printed."""

import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.readme import ADDRESS, commands, example, run_curl
from tests.serving import ROOT, without_tensorflow

CURLS = [(command, output) for command, output in commands() if command.startswith("curl ")]


@pytest.mark.parametrize(("command", "output"), CURLS, ids=range(len(CURLS)))
def test_curl_prints_the_output_that_is_shown(server, command, output):
    received = json.loads(run_curl(command, server))

    assert comparable(received) == comparable(json.loads(output))


def comparable(value):
    """Return `value` without request ids and with rounded probabilities, keys in their order.

    Processors round the last digits of a float32 differently.
    """
    if isinstance(value, dict):
        return [
            (key, f"{float(each):.4f}" if key == "probability" else comparable(each))
            for key, each in value.items()
            if key != "request_id"
        ]
    return [comparable(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("language", "interpreter"),
    [
        ("python", [sys.executable, "-c"]),
        ("javascript", ["node", "--no-warnings", "--input-type=module", "--eval"]),
        ("powershell", ["pwsh", "-NoProfile", "-Command"]),
    ],
)
def test_program_prints_4(server, language, interpreter):
    if shutil.which(interpreter[0]) is None:
        pytest.skip(f"{interpreter[0]} is not installed")
    here = example(language).replace(ADDRESS, f"127.0.0.1:{server}")

    done = subprocess.run(
        [*interpreter, here], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == "4"


def test_command_line_prints_the_row_that_is_shown():
    ((command, shown),) = {one for one in commands() if "dlflask predict" in one[0]}

    done = subprocess.run(
        [sys.executable, *shlex.split(command)[1:]],
        cwd=ROOT,
        env=os.environ | {"KERAS_BACKEND": "openvino"} | without_tensorflow(),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert done.stdout == shown
