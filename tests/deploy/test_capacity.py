import re

import pytest

from deploy.capacity.__main__ import MOST_BUSY, main
from deploy.capacity.measure import Core

PLAN = "python -m deploy.capacity --rate 1000 --p99-ms 50"


def test_the_plan_of_the_readme(capsys):
    arguments = PLAN.removeprefix("python -m deploy.capacity").split()

    assert main(arguments) == 0
    said = capsys.readouterr().out
    together, apart = map(int, re.findall(r"^  (\d+)", said, re.MULTILINE)[:2])
    rate = float(arguments[arguments.index("--rate") + 1])
    assert rate * Core.read().seconds / MOST_BUSY <= together <= apart


def test_a_slower_core_needs_more_replicas(capsys):
    counts = []
    for milliseconds in ("5", "10"):
        main(["--rate", "1000", "--p99-ms", "100", "--service-ms", milliseconds])
        counts.append(int(re.search(r"^  (\d+)", capsys.readouterr().out, re.MULTILINE)[1]))

    assert counts[1] > 1.5 * counts[0]


def test_what_cannot_be_had_is_said(capsys):
    assert main(["--rate", "10", "--p99-ms", "0.1"]) == 2
    assert "cannot be had" in capsys.readouterr().err


@pytest.mark.parametrize("rate", [1e3, 1e5, 1e7])
def test_it_plans_at_every_size(rate, capsys):
    assert main(["--rate", str(rate), "--p99-ms", "50"]) == 0
    assert "GB and" in capsys.readouterr().out
