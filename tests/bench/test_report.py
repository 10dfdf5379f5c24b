from xml.etree import ElementTree

from bench import plan
from bench.plot import draw
from bench.report import to_markdown
from bench.results import Ratio, Results
from bench.servers import OURS
from tests.bench.samples import CASE, make_results


def test_a_report_has_the_ratios_and_a_row_for_each_target():
    text = to_markdown(make_results(), [Ratio("ours / floor", 0.6, 0.5, 0.8)], "results.svg")

    assert "| machine | made up |" in text
    assert "| ours / floor | **0.60** | 0.50 to 0.80 |" in text
    assert "](results.svg)" in text
    assert "| what | target | requests/s | p50 ms | p99 ms | errors |" in text
    assert f"| {CASE} | ours | 300.0 | 2.00 | 8.00 | 3 |" in text
    assert f"| {CASE} | floor | 500.0 | 2.00 | 8.00 | 3 |" in text


def test_a_figure_that_one_row_lacks_is_a_dash():
    results = Results()
    results.add(plan.MEMORY, OURS, "one", 1, {"rss": 300.4, "pss": 200.0})
    results.add(plan.MEMORY, OURS, "other", 1, {"rss": 100.0})

    text = to_markdown(results, [])

    assert "| one | ours | 300 | 200 |" in text
    assert "| other | ours | 100 | - |" in text
    assert "## Ratios" not in text


def test_what_was_not_measured_stands_there_with_its_reason():
    results = Results(not_measured=["batches: the service answers 404."])

    assert "## Not measured\n\n- batches: the service answers 404." in to_markdown(results, [])


def test_the_plot_has_a_panel_for_each_part_and_is_the_same_again(tmp_path):
    results = make_results()
    results.soak = [[0.0, 200.0], [1.0, 201.0]]

    assert draw(results, tmp_path / "one.svg")
    assert draw(results, tmp_path / "two.svg")

    drawn = (tmp_path / "one.svg").read_text(encoding="utf-8")
    assert drawn == (tmp_path / "two.svg").read_text(encoding="utf-8")
    root = ElementTree.fromstring(drawn)  # noqa: S314  drawn a line above
    ids = [each.get("id", "") for each in root.iter()]
    assert len([each for each in ids if each.startswith("axes_")]) == 2


def test_of_nothing_nothing_is_drawn(tmp_path):
    assert not draw(Results(), tmp_path / "none.svg")
    assert not (tmp_path / "none.svg").exists()
