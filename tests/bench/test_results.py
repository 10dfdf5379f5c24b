import pytest

from bench.report import to_markdown
from bench.results import BATCHES, MEMORY, SPEED, Cell, Range, Results
from bench.servers import KERAS, NOOP, SERVICE
from tests.serving import ROOT

RATE = "requests_per_second"
CASE = "28x28 PNG, 16 connections"
OURS, BASELINE = (Cell(SPEED, CASE, target) for target in (SERVICE, NOOP))


@pytest.fixture
def results():
    """Three rounds in which the baseline is 2, 1.5 and 1.25 times as fast on a slowing machine."""
    results = Results(about={"machine": "imaginary"})
    for number, rate, ratio in [(1, 1000.0, 2.0), (2, 500.0, 1.5), (3, 100.0, 1.25)]:
        results.add(OURS, number, {RATE: rate, "p50": 2.0, "p99": 8.0, "errors": 1})
        results.add(BASELINE, number, {RATE: rate * ratio, "p50": 2.0, "errors": 0})
    return results


def test_summary_is_median_and_range(results):
    assert results.summarise(OURS, RATE) == Range(500, 100, 1000)
    assert results.errors(OURS) == 3


def test_ratio_is_taken_within_each_round(results):
    # The ratio of the medians would be 750 / 500 and hide that the machine slowed down.
    assert results.ratio(BASELINE, RATE) == Range(1.5, 1.25, 2.0)


def test_ratio_of_batches_is_to_the_first_case():
    results = Results()
    single, batch = Cell(BATCHES, "1", SERVICE), Cell(BATCHES, "64", SERVICE)
    results.add(single, 1, {"images_per_second": 100.0})
    results.add(batch, 1, {"images_per_second": 300.0})

    assert results.ratio(batch, "images_per_second") == Range(3, 3, 3)


@pytest.mark.parametrize(
    ("cell", "figure"),
    [(Cell(SPEED, CASE, KERAS), RATE), (BASELINE, "pss"), (Cell(SPEED, "no service", NOOP), RATE)],
    ids=["target-not-run", "figure-not-reported", "no-reference"],
)
def test_ratio_without_measurement(results, cell, figure):
    results.add(Cell(SPEED, "no service", NOOP), 1, {RATE: 5.0})

    assert results.ratio(cell, figure) is None


def test_ratio_skips_rounds_without_responses(results):
    results.add(OURS, 4, {RATE: 0.0, "errors": 9})
    results.add(BASELINE, 4, {RATE: 5.0, "errors": 0})

    assert results.ratio(BASELINE, RATE) == Range(1.5, 1.25, 2.0)


def test_results_are_read_as_written(results, tmp_path):
    results.write(tmp_path / "results.json")

    assert Results.read(tmp_path / "results.json") == results


def test_report_has_a_row_for_each_target(results):
    report = to_markdown(results)

    assert "| machine | imaginary |" in report
    assert "| case | target | requests/s | p50 ms | p99 ms | ratio | errors |" in report
    assert f"| {CASE} | {SERVICE} | 500 (100 to 1,000) | 2.00 | 8.00 | 1 | 3 |" in report
    assert f"| {CASE} | {NOOP} | 750 (125 to 2,000) | 2.00 | - | 1.5 (1.25 to 2) | 0 |" in report


def test_report_marks_missing_figures():
    results = Results(not_measured=["nginx: not installed."])
    results.add(Cell(MEMORY, "after load", SERVICE), 1, {"rss": 300.4})

    report = to_markdown(results)

    assert f"| after load | {SERVICE} | - | 300 | - | 0 |" in report
    assert "## Not measured\n\n- nginx: not installed." in report


def test_published_report_matches_the_published_figures():
    published = Results.read(ROOT / "bench" / "results.json")

    assert (ROOT / "bench" / "RESULTS.md").read_text(encoding="utf-8") == to_markdown(published)
