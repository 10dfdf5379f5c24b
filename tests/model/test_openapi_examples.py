"""The examples of /openapi.json match real responses, up to rounding."""

import json
import shlex
import shutil
import subprocess

import pytest

from tests.serving import ROOT, ask

#: Keys whose values depend on the model or the release.
VARYING = {"version", "sha256", "keras_version", "num_layers", "num_parameters"}


@pytest.fixture(scope="module")
def operations(server):
    document = json.loads(ask(server, "GET", "/openapi.json").body)
    return [
        (method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


def example_of(operation):
    """Return the example of the operation's JSON response, or None."""
    content = operation["responses"]["200"]["content"].get("application/json", {})
    return next((one["value"] for one in content.get("examples", {}).values()), None)


def assert_similar(found, expected, key=""):
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            assert_similar(found[name], value, name)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_similar(one, other, key)
    elif isinstance(expected, float) or key in ("probability", "confidence"):
        assert float(found) == pytest.approx(float(expected), abs=0.001)
    elif key not in VARYING:
        assert found == expected


def test_get_examples_match_responses(server, operations):
    compared = 0
    for method, path, operation in operations:
        if method == "get" and (expected := example_of(operation)):
            assert_similar(json.loads(ask(server, "GET", path).body), expected)
            compared += 1

    assert compared == 9


def test_body_examples_match_responses(server, operations):
    compared = 0
    for method, path, operation in operations:
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        for one in body.get("examples", {}).values():
            text = json.dumps(one["value"])
            found = json.loads(ask(server, method.upper(), path, text, "application/json").body)
            if path != "/predictlabels":  # its example is the response to its curl command
                assert_similar(found, example_of(operation))
                compared += 1

    assert compared == 7


def test_curl_commands_work(server, operations):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    compared = 0
    for _, _, operation in operations:
        for sample in operation.get("x-codeSamples", []):
            command = sample["source"].replace("127.0.0.1:8000", f"127.0.0.1:{server}")
            found = subprocess.run(
                [*shlex.split(command), "--silent", "--fail"],
                cwd=ROOT,
                capture_output=True,
                check=True,
                timeout=30,
            ).stdout
            if expected := example_of(operation):
                assert_similar(json.loads(found), expected)
                compared += 1

    assert compared == 4
