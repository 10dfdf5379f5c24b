import pytest

from bench.results import BATCHES, MEMORY, SPEED, Results, Sample
from bench.servers import KERAS, NOOP, SERVICE
from tests.serving import ROOT

RATE = "requests_per_second"
CASE = "28x28 PNG, 16 connections"


def add(results, target, number, figures, *, part=SPEED, case=CASE):
    results.samples.append(Sample(part, case, target, number, figures))


@pytest.fixture
def results():
    """Three rounds in which the baseline is 2, 1.5 and 1.25 times as fast on a slowing machine."""
    results = Results(about={"machine": "imaginary"})
    for number, rate, ratio in [(1, 1000.0, 2.0), (2, 500.0, 1.5), (3, 100.0, 1.25)]:
        add(results, SERVICE, number, {RATE: rate, "p50": 2.0, "p99": 8.0, "errors": 1})
        add(results, NOOP, number, {RATE: rate * ratio, "p50": 2.0, "errors": 0})
    return results


def test_ratio_is_taken_within_each_round(results):
    # The ratio of the medians would be 750 / 500 and hide that the machine slowed down.
    assert results.ratios(SPEED, CASE, NOOP, RATE) == [2, 1.5, 1.25]


def test_ratio_of_batches_is_to_the_first_case():
    results = Results()
    for size, rate in [("1", 100.0), ("64", 300.0)]:
        add(results, SERVICE, 1, {"images_per_second": rate}, part=BATCHES, case=size)

    assert results.ratios(BATCHES, "64", SERVICE, "images_per_second") == [3]


@pytest.mark.parametrize(
    ("case", "target", "figure"),
    [(CASE, KERAS, RATE), (CASE, NOOP, "pss"), ("no service", NOOP, RATE)],
    ids=["target-not-run", "figure-not-reported", "no-reference"],
)
def test_ratio_without_measurement(results, case, target, figure):
    add(results, NOOP, 1, {RATE: 5.0}, case="no service")

    assert results.ratios(SPEED, case, target, figure) == []


def test_ratio_skips_rounds_without_responses(results):
    add(results, SERVICE, 4, {RATE: 0.0, "errors": 9})
    add(results, NOOP, 4, {RATE: 5.0, "errors": 0})

    assert results.ratios(SPEED, CASE, NOOP, RATE) == [2, 1.5, 1.25]


def test_results_are_read_as_written(results, tmp_path):
    results.write(tmp_path / "new")

    assert Results.read(tmp_path / "new" / "results.json") == results
    assert (tmp_path / "new" / "RESULTS.md").read_text("utf-8") == results.to_markdown()


def test_report_has_a_row_for_each_target(results):
    report = results.to_markdown()

    assert "| machine | imaginary |" in report
    assert "| case | target | requests/s | p50 ms | p99 ms | ratio | errors |" in report
    assert f"| {CASE} | {SERVICE} | 500 (100 to 1,000) | 2.00 | 8.00 | 1 | 3 |" in report
    assert f"| {CASE} | {NOOP} | 750 (125 to 2,000) | 2.00 | - | 1.5 (1.25 to 2) | 0 |" in report


def test_report_marks_missing_figures():
    results = Results(not_measured=["nginx: not installed."])
    add(results, SERVICE, 1, {"rss": 300.4}, part=MEMORY, case="after load")

    report = results.to_markdown()

    assert f"| after load | {SERVICE} | - | 300 | - | 0 |" in report
    assert "## Not measured\n\n- nginx: not installed." in report


def test_published_report_matches_the_published_figures():
    published = Results.read(ROOT / "bench" / "results.json")

    assert (ROOT / "bench" / "RESULTS.md").read_text(encoding="utf-8") == published.to_markdown()
