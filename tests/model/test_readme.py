import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.readme import commands, example
from tests.serving import ROOT

CURLS = [(command, output) for command, output in commands() if command.startswith("curl ")]


@pytest.mark.parametrize(("command", "output"), CURLS, ids=range(len(CURLS)))
def test_a_curl_line_gives_the_output_that_is_shown(server, command, output):
    here = command.replace("127.0.0.1:8000", f"127.0.0.1:{server}")

    done = subprocess.run(
        [*shlex.split(here), "--silent"], cwd=ROOT, capture_output=True, check=True, timeout=30
    )

    shown, came = json.loads(output), json.loads(done.stdout)
    assert list(came) == list(shown)
    # Processors round the last digits of a float32 differently, and each request has its own id.
    for answer in (shown, came):
        answer.pop("request_id", None)
    for one, other in zip(shown.pop("predictions", []), came.pop("predictions", []), strict=True):
        assert one["label"] == other["label"]
        assert float(one["probability"]) == pytest.approx(float(other["probability"]), abs=1e-4)
    assert came == shown


@pytest.mark.parametrize(
    ("language", "interpreter"),
    [
        ("python", [sys.executable, "-c"]),
        ("javascript", ["node", "--no-warnings", "--input-type=module", "--eval"]),
        ("powershell", ["pwsh", "-NoProfile", "-Command"]),
    ],
)
def test_a_program_prints_4(server, language, interpreter):
    if shutil.which(interpreter[0]) is None:
        pytest.skip(f"{interpreter[0]} is not installed")
    here = example(language).replace("127.0.0.1:8000", f"127.0.0.1:{server}")

    done = subprocess.run(
        [*interpreter, here], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == "4"


def test_the_command_line_prints_the_row_that_is_shown():
    ((command, shown),) = [one for one in commands() if "dlflask predict" in one[0]]

    done = subprocess.run(
        [sys.executable, *shlex.split(command)[1:]],
        cwd=ROOT,
        env=os.environ | {"KERAS_BACKEND": "openvino"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert done.stdout == shown
