import json
import shlex
import subprocess

import pytest

from tests.readme import commands
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
