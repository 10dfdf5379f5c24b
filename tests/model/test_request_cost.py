"""The most expensive requests take CPU time and memory in proportion to their size."""

import subprocess
import sys

import pytest

from tests.serving import ROOT

#: Most memory of a request, in MB: a body of 16 MB, its text, a cleaned copy, the decoded bytes
#: and a margin.
MAX_MEGABYTES = 100

#: The same with characters beyond Latin-1, which take up to four bytes each in an id.
MAX_MEGABYTES_OF_AN_ID = 200

#: Most CPU time of a request, in seconds; on an idle machine each takes at most 0.3.
MAX_SECONDS = 2


@pytest.fixture(scope="module")
def measured():
    """Return {name: (status, CPU seconds, megabytes in addition to the body)}."""
    if sys.platform != "linux":
        pytest.skip("the peak of memory begins anew for each request on Linux only")
    done = subprocess.run(
        [sys.executable, "-m", "tests.model.request_costs"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return {
        name: (int(status), float(seconds), float(megabytes))
        for name, status, seconds, megabytes in rows
    }


def test_costly_request_has_status_below_500(measured):
    refused = {name: status for name, (status, _, _) in measured.items() if name != "tensor"}

    assert measured["tensor"][0] == 200
    assert {status for status in refused.values() if not 200 <= status < 500} == set()


def test_costly_request_memory(measured, figures):
    megabytes = {name: peak for name, (_, _, peak) in measured.items()}
    costliest = max(megabytes, key=megabytes.get)

    figures.append(f"costliest request: {costliest}, {megabytes[costliest]:.0f} MB")
    assert megabytes.pop("a long id") <= MAX_MEGABYTES_OF_AN_ID
    assert {name: peak for name, peak in megabytes.items() if peak > MAX_MEGABYTES} == {}


def test_costly_request_cpu_time(measured):
    seconds = {name: taken for name, (_, taken, _) in measured.items()}

    assert {name: taken for name, taken in seconds.items() if taken > MAX_SECONDS} == {}
