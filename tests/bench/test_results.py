import json

import pytest

from bench import plan
from bench.pictures import PICTURES, Picture
from bench.results import Cell, Results
from bench.servers import FLOOR, ORIGINAL, OURS
from tests.bench.samples import CASE, SMALL, figures, make_results

RATE = "requests_per_second"


def test_medians_are_over_the_rounds_and_errors_are_summed():
    medians = dict(make_results().medians(plan.CLOSED))

    assert medians[Cell(plan.CLOSED, OURS, CASE)][RATE] == 300
    assert medians[Cell(plan.CLOSED, FLOOR, CASE)][RATE] == 500
    assert medians[Cell(plan.CLOSED, OURS, CASE)]["errors"] == 3


def test_a_figure_that_a_round_lacks_has_no_median():
    results = make_results()
    results.add(plan.CLOSED, OURS, CASE, 4, {"requests_per_second": 0.0, "errors": 0})

    found = dict(results.medians(plan.CLOSED))[Cell(plan.CLOSED, OURS, CASE)]

    assert found.keys() == {RATE, "errors"}


def test_a_ratio_is_taken_round_by_round():
    ours, floor = (Cell(plan.CLOSED, target, CASE) for target in (OURS, FLOOR))

    ratio = make_results().ratio("ours / floor", (ours, RATE), (floor, RATE))

    # Of the medians it would be 300 / 500, and hide that the machine slowed.
    assert (ratio.low, ratio.value, ratio.high) == pytest.approx((0.5, 0.6, 0.8))


@pytest.mark.parametrize(
    ("target", "figure"),
    [
        pytest.param(ORIGINAL, RATE, id="target-not-run"),
        pytest.param(FLOOR, "pss", id="figure-not-told"),
    ],
)
def test_of_what_was_not_measured_there_is_no_ratio(target, figure):
    ours, other = (Cell(plan.CLOSED, each, CASE) for each in (OURS, target))

    assert make_results().ratio("", (ours, RATE), (other, figure)) is None


def test_nothing_is_divided_by_zero():
    results = Results()
    results.add(plan.CLOSED, OURS, CASE, 1, figures(5.0))
    results.add(plan.CLOSED, FLOOR, CASE, 1, figures(0.0))
    ours, floor = (Cell(plan.CLOSED, target, CASE) for target in (OURS, FLOOR))

    assert results.ratio("", (ours, RATE), (floor, RATE)) is None


def test_the_ratios_of_a_run_are_those_that_were_measured():
    pictures = {name: Picture(name, "image/jpeg", b"") for name in PICTURES} | SMALL
    results = make_results()
    for count, pss in [(1, 200.0), (2, 250.0)]:
        cell = plan.workers(count)
        results.add(cell.part, cell.target, cell.case, 1, figures(100.0 * count, pss=pss))

    found = {ratio.name: ratio.value for ratio in plan.ratios(results, pictures)}

    assert found == pytest.approx(
        {
            f"ours / floor, requests a second, {CASE}": 0.6,
            f"ours, p99 / p50, {CASE}": 4.0,
            "ours, 2 workers / 1, requests a second": 2.0,
            "ours, 2 workers / 1, PSS": 1.25,
        }
    )


def test_all_of_it_is_written(tmp_path):
    make_results().write(tmp_path / "results.json")

    written = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert len(written["samples"]) == 6
    assert written["samples"][0] == {
        "cell": {"part": plan.CLOSED, "target": OURS, "case": CASE},
        "round": 1,
        "figures": {"requests_per_second": 500.0, "p50": 2.0, "p99": 8.0, "errors": 1},
    }
