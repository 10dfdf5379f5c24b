"""The real model reads each image of tests/cases as the digit in its name."""

import json

import pytest

from tests.serving import ROOT, ask

CASES = sorted(path for path in (ROOT / "tests" / "cases").iterdir() if path.suffix != ".md")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name)
def test_service_reads_a_case(path, server):
    response = ask(server, "POST", "/predictlabel?details=1", path.read_bytes(), "image/png")

    answer = json.loads(response.body)
    assert answer["most_probable_label"] == path.stem[-1]
    assert answer["details"]["verdict"] == "digit"
