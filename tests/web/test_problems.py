import logging

import pytest

from dlflask import errors
from dlflask.problem_types import PROBLEMS
from tests.invalid_requests import BAD_REQUESTS, encode_request


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: bad.name)
def test_bad_request_returns_problem(client, classifier, bad):
    body, content_type = encode_request(bad)

    response = client.open(bad.path, method=bad.method, data=body, content_type=content_type)

    problem = response.get_json()
    assert response.status_code == bad.status == problem["status"]
    assert response.mimetype == "application/problem+json"
    assert set(problem) == {"type", "title", "status", "detail", "request_id", "success"}
    assert problem["success"] is False
    assert problem["request_id"] == response.headers["X-Request-ID"]
    assert bad.message in problem["detail"]
    assert problem["detail"].endswith((".", "4.jpg")), "the detail is a sentence"
    assert len(problem["detail"]) > 20
    assert not classifier.tensors, "the network must not run"


def test_problems_has_every_error_of_a_request():
    def leaves(error):
        subclasses = error.__subclasses__()
        return [leaf for one in subclasses for leaf in leaves(one)] if subclasses else [error]

    groups = (errors.UploadError, errors.ImageError, errors.Declined)
    from_requests = [leaf for group in groups for leaf in leaves(group)]

    assert set(PROBLEMS) == set(from_requests)


def test_titles_of_problems_are_unique():
    titles = [title for _, title in PROBLEMS.values()]

    assert len(set(titles)) == len(titles)


def test_method_not_allowed_names_allowed_methods(client):
    response = client.get("/predictlabel")

    assert "POST" in response.headers["Allow"]
    assert "POST" in response.get_json()["detail"]


def test_unexpected_error_is_logged_and_not_disclosed(
    client, classifier, monkeypatch, caplog, four_png
):
    def fail(tensor):
        raise ZeroDivisionError("an internal secret")

    monkeypatch.setattr(classifier, "predict_many", fail)
    with caplog.at_level(logging.ERROR):
        response = client.post("/predictlabel", data=four_png, content_type="image/png")

    assert response.status_code == 500
    assert response.get_json()["success"] is False
    assert "secret" not in response.text
    assert "an internal secret" in caplog.text
    assert response.headers["X-Request-ID"] in caplog.text


def test_error_is_rendered_as_page_for_browser(client):
    response = client.get("/nowhere", headers={"Accept": "text/html,*/*;q=0.8"})

    assert response.status_code == 404
    assert response.mimetype == "text/html"
    assert "The address /nowhere does not exist" in response.text


def test_error_of_api_is_json_whatever_is_accepted(client):
    response = client.post("/predictlabel", headers={"Accept": "text/html"})

    assert response.mimetype == "application/problem+json"


def test_error_on_page_is_escaped(client):
    response = client.get("/<script>", headers={"Accept": "text/html"})

    assert "<script>" not in response.text.replace('<script type="module"', "")
    assert "&lt;script&gt;" in response.text
