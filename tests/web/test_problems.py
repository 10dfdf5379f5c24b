import logging

import pytest

from dlflask import errors
from dlflask.problem_types import PROBLEMS
from tests.invalid_requests import BAD_REQUESTS, encode_request


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: bad.name)
def test_a_bad_request_is_answered_with_a_problem(client, classifier, bad):
    body, content_type = encode_request(bad)

    answer = client.open(bad.path, method=bad.method, data=body, content_type=content_type)

    problem = answer.get_json()
    assert answer.status_code == bad.status == problem["status"]
    assert answer.mimetype == "application/problem+json"
    assert set(problem) == {"type", "title", "status", "detail", "request_id", "success"}
    assert problem["success"] is False
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert bad.says in problem["detail"]
    assert problem["detail"].endswith((".", "4.jpg")), "the detail is a sentence"
    assert len(problem["detail"]) > 20
    assert not classifier.tensors, "the network was asked about no picture"


def test_every_error_of_a_request_has_a_problem():
    def leaves(kind):
        below = kind.__subclasses__()
        return [leaf for child in below for leaf in leaves(child)] if below else [kind]

    kinds = (errors.UploadError, errors.ImageError, errors.Declined)
    from_requests = [leaf for kind in kinds for leaf in leaves(kind)]

    assert set(PROBLEMS) == set(from_requests)


def test_titles_stand_for_one_kind_each():
    titles = [title for _, title in PROBLEMS.values()]

    assert len(set(titles)) == len(titles)


def test_not_allowed_names_what_is(client):
    answer = client.get("/predictlabel")

    assert "POST" in answer.headers["Allow"]
    assert "POST" in answer.get_json()["detail"]


def test_an_unexpected_error_tells_the_log_and_not_the_client(
    client, classifier, monkeypatch, caplog, four_png
):
    def fail(tensor):
        raise ZeroDivisionError("a secret of the inside")

    monkeypatch.setattr(classifier, "predict_many", fail)
    with caplog.at_level(logging.ERROR):
        answer = client.post("/predictlabel", data=four_png, content_type="image/png")

    assert answer.status_code == 500
    assert answer.get_json()["success"] is False
    assert "secret" not in answer.text
    assert "a secret of the inside" in caplog.text
    assert answer.headers["X-Request-ID"] in caplog.text


def test_a_browser_gets_the_page_with_the_fault(client):
    answer = client.get("/nowhere", headers={"Accept": "text/html,*/*;q=0.8"})

    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
    assert "There is nothing at /nowhere" in answer.text


def test_the_api_answers_in_json_whatever_is_accepted(client):
    answer = client.post("/predictlabel", headers={"Accept": "text/html"})

    assert answer.mimetype == "application/problem+json"


def test_what_came_is_escaped_on_the_page(client):
    answer = client.get("/<script>", headers={"Accept": "text/html"})

    assert "<script>" not in answer.text.replace('<script type="module"', "")
    assert "&lt;script&gt;" in answer.text
