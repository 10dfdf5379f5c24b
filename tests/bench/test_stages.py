import pytest

from bench import stages
from bench.pictures import PICTURES
from dlflask import reading, routes


def test_every_stage_of_a_request_is_timed(app, classifier):
    before = (routes.read_upload, reading.decode_image)

    table = stages.profile(app, PICTURES["small"](), requests=5)

    assert list(table) == [*stages.STAGES, stages.REST, stages.TOTAL]
    assert all(value > 0 for value in table.values())
    assert table[stages.TOTAL] == pytest.approx(
        sum(value for name, value in table.items() if name != stages.TOTAL)
    )
    assert len(classifier.tensors) == 5 + stages.WARM_REQUESTS
    assert (routes.read_upload, reading.decode_image) == before


def test_a_stage_that_requests_no_longer_enter_is_told(app, monkeypatch):
    monkeypatch.setitem(stages.STAGES, "place", [("dlflask.routes", "render_template")])

    with pytest.raises(stages.StageNotEntered, match=r"\['place'\]: name them anew"):
        stages.profile(app, PICTURES["small"](), requests=1)


def test_the_table_has_a_row_for_each_stage():
    table = dict.fromkeys([*stages.STAGES, stages.REST], 100.0) | {stages.TOTAL: 600.0}

    lines = stages.to_markdown({"28x28 PNG": table}).splitlines()

    assert lines[0] == "| stage | 28x28 PNG, us | share |"
    assert "| network | 100 | 17% |" in lines
    assert lines[-1] == "| sum | 600 | 100% |"


def test_the_slowest_functions_are_named(app):
    table = stages.slowest_functions(app, PICTURES["small"](), requests=5, count=3)

    assert len(table.splitlines()) == 5
    assert "us a request" in table
