import base64
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dlflask.config import Config
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.errors import InvalidBase64, InvalidJson
from dlflask.web.app import create_app
from dlflask.web.json_upload import base64_of, decode_base64, decoded_size, parse_json
from dlflask.web.uploads import MAX_UPLOADS


def encoded(content):
    return base64.b64encode(content).decode()


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(encoded, id="plain"),
        pytest.param(lambda content: base64.encodebytes(content).decode(), id="with-line-breaks"),
        pytest.param(lambda content: "data:image/png;base64," + encoded(content), id="data-url"),
        pytest.param(
            lambda content: "DATA:image/svg+xml;charset=utf-8;Base64," + encoded(content),
            id="data-url-with-parameter",
        ),
    ],
)
def test_a_picture_in_json_is_answered_like_a_form(client, four_png, write):
    raw = client.post("/predictlabel", data=four_png, content_type="image/png")

    answer = client.post("/predictlabel", json={"image": write(four_png)})

    assert (answer.status_code, answer.data) == (200, raw.data)


def test_several_pictures_in_json_are_answered_each(client, classifier, four_png):
    alone = client.post("/predictlabel", json={"image": encoded(four_png)}).get_json()
    images = [
        encoded(four_png),
        4,
        "!",
        "SSBhbSBhIDQ=",
        "data:image/png;base64," + encoded(four_png),
    ]

    answer = client.post("/predictlabels", json={"images": images}).get_json()

    results = answer["results"]
    assert [one.get("status", 200) for one in results] == [200, 422, 422, 415, 200]
    assert results[0] == results[4] == alone
    assert answer["success"] is True
    assert classifier.passes == 2


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        pytest.param({"image": ""}, 400, "the keys image", id="the-key-of-one"),
        pytest.param({"images": []}, 400, "no list", id="none"),
        pytest.param({"images": "iVBO"}, 400, "no list", id="no-list"),
        pytest.param({"images": [""] * (MAX_UPLOADS + 1)}, 400, "257 pictures", id="257"),
        pytest.param({"images": [""] * 10_000}, 400, "commas", id="10000"),
    ],
)
def test_a_json_that_holds_no_list_of_pictures_is_a_problem(client, body, status, says):
    answer = client.post("/predictlabels", json=body)

    assert answer.status_code == status
    assert says in answer.get_json()["detail"]


def test_as_many_data_urls_as_the_limit_are_taken(client, classifier):
    answer = client.post("/predictlabels", json={"images": ["data:image/png;base64,AAAA"] * 256})

    assert [one["status"] for one in answer.get_json()["results"]] == [415] * 256


@pytest.mark.parametrize("spare", [0, -1])
def test_the_limit_is_of_the_picture_and_not_of_its_base64(classifier, four_png, spare):
    client = create_app(
        Config(max_upload_bytes=len(four_png) + spare), DigitRecogniser(classifier)
    ).test_client()

    answer = client.post("/predictlabel", json={"image": encoded(four_png)})

    assert answer.status_code == (413 if spare else 200)


@given(st.binary(max_size=200))
def test_base64_reads_back_and_its_size_is_known_before(content):
    text = base64_of(encoded(content))

    assert decoded_size(text) == len(content)
    assert decode_base64(text) == content


@given(st.text() | st.text("ABC=+/-_ \n"))
@example("0000=")
@example("0000====")
@example("00==0000")
def test_any_text_is_decoded_or_refused(text):
    try:
        content = decode_base64(base64_of(text))
    except InvalidBase64:
        return
    assert decoded_size(base64_of(text)) == len(content)


@given(st.binary() | st.text('[]{}",:0eE-+.nullNaNtrue\\u ').map(str.encode))
def test_any_body_is_parsed_as_json_or_refused(body):
    try:
        document = parse_json(body, max_brackets=20, max_commas=20)
    except InvalidJson:
        return
    assert json.loads(json.dumps(document)) == document
