import base64
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dlflask.config import Config
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.errors import InvalidBase64, InvalidJson
from dlflask.web.app import create_app
from dlflask.web.json_upload import decode_base64, decoded_size, parse_json, strip_data_url
from dlflask.web.uploads.limits import MAX_UPLOADS


def encoded(content):
    return base64.b64encode(content).decode()


def url_safe(content):
    return base64.urlsafe_b64encode(content).decode()


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
        pytest.param(
            lambda content: "data:;base64," + encoded(content), id="data-url-without-type"
        ),
        pytest.param(lambda content: encoded(content).rstrip("="), id="without-padding"),
        pytest.param(url_safe, id="url-safe"),
        pytest.param(lambda content: url_safe(content).rstrip("="), id="url-safe-without-padding"),
        pytest.param(
            lambda content: "data:image/png;base64," + url_safe(content).rstrip("="),
            id="url-safe-data-url",
        ),
    ],
)
@pytest.mark.parametrize("spare", range(3))
def test_predictlabel_reads_base64_in_json(client, four_png, write, spare):
    image = four_png + bytes(spare)  # one of the three lengths needs no padding
    raw = client.post("/predictlabel", data=image, content_type="image/png")

    response = client.post("/predictlabel", json={"image": write(image)})

    assert (response.status_code, response.data) == (200, raw.data)


@pytest.mark.parametrize(
    "others",
    [
        pytest.param({"details": True}, id="a-flag"),
        pytest.param({"id": 7, "name": "größe ☘.png", "user": None}, id="texts"),
        pytest.param({"meta": {"tags": ["a", "b"], "box": [0, 0, 28, 28]}}, id="objects"),
        pytest.param({"images": ["iVBO"], "file": "4.png"}, id="keys-of-other-requests"),
        pytest.param({"note": "☘" * 200_000}, id="long-text"),
    ],
)
@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_other_keys_in_json_are_ignored(client, four_png, others, ensure_ascii):
    body = json.dumps({**others, "image": encoded(four_png)}, ensure_ascii=ensure_ascii)
    list_body = json.dumps(others | {"images": [encoded(four_png)]}, ensure_ascii=ensure_ascii)

    one = client.post("/predictlabel", data=body.encode(), content_type="application/json")
    several = client.post(
        "/predictlabels", data=list_body.encode("utf-8-sig"), content_type="application/json"
    )

    assert one.status_code == 200, one.text
    assert several.get_json()["results"] == [one.get_json()]


def test_predictlabels_reads_list_in_json(client, classifier, four_png):
    single = client.post("/predictlabel", json={"image": encoded(four_png)}).get_json()
    images = [
        encoded(four_png),
        4,
        "!",
        "SSBhbSBhIDQ=",
        "data:image/png;base64," + encoded(four_png),
    ]

    response = client.post("/predictlabels", json={"images": images}).get_json()

    results = response["results"]
    assert [one.get("status", 200) for one in results] == [200, 422, 422, 415, 200]
    assert results[0] == results[4] == single
    assert response["success"] is True
    assert classifier.passes == 2


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        pytest.param({"image": ""}, 400, "the keys image", id="the-key-of-one"),
        pytest.param({"images": []}, 400, "list 'images' is empty", id="empty"),
        pytest.param({"images": "iVBO"}, 400, "not a list", id="text"),
        pytest.param({"images": [""] * (MAX_UPLOADS + 1)}, 400, "257 images", id="257"),
        pytest.param({"images": [""] * 10_000}, 400, "commas", id="10000"),
    ],
)
def test_predictlabels_with_bad_list_in_json_returns_problem(client, body, status, message):
    response = client.post("/predictlabels", json=body)

    assert response.status_code == status
    assert message in response.get_json()["detail"]


def test_predictlabels_accepts_as_many_data_urls_as_the_limit(client, classifier):
    response = client.post("/predictlabels", json={"images": ["data:image/png;base64,AAAA"] * 256})

    assert [one["status"] for one in response.get_json()["results"]] == [415] * 256


@pytest.mark.parametrize("spare", [0, -1])
def test_upload_limit_applies_to_decoded_image(classifier, four_png, spare):
    client = create_app(
        Config(max_upload_bytes=len(four_png) + spare), DigitRecogniser(classifier)
    ).test_client()

    response = client.post("/predictlabel", json={"image": encoded(four_png)})

    assert response.status_code == (413 if spare else 200)


@given(st.binary(max_size=200))
def test_decode_base64_returns_encoded_bytes(content):
    text = strip_data_url(encoded(content))

    assert decoded_size(text) == len(content)
    assert decode_base64(text) == content
    for other in (text.rstrip("="), url_safe(content), url_safe(content).rstrip("=")):
        assert decoded_size(other) == len(content)
        assert decode_base64(other) == content


@given(st.text() | st.text("ABC=+/-_ \n"))
@example("0000=")
@example("0000====")
@example("00==0000")
def test_decode_base64_with_any_text_decodes_or_raises(text):
    try:
        content = decode_base64(strip_data_url(text))
    except InvalidBase64:
        return
    assert decoded_size(strip_data_url(text)) == len(content)


@given(st.binary() | st.text('[]{}",:0eE-+.nullNaNtrue\\u ').map(str.encode))
def test_parse_json_with_any_body_parses_or_raises(body):
    try:
        document = parse_json(body, max_brackets=20, max_commas=20)
    except InvalidJson:
        return
    assert json.loads(json.dumps(document)) == document
