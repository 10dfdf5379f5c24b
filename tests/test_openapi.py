"""The document says what the service does: paths, problems, headers and schemas."""

import base64
import json
import re
from html.parser import HTMLParser

import pytest
from jsonschema import Draft202012Validator

from dlflask.problems import PROBLEMS, problem_type
from dlflask.tensors import MAX_BATCH
from tests.bad_uploads import BAD_REQUESTS, encode_form, encode_request
from tests.serving import ROOT

#: Answered by any address, or to any method: described once, as components.
ANYWHERE = {404, 405}


@pytest.fixture
def document(client):
    return client.get("/openapi.json").get_json()


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def check(document, answer, path, method="post"):
    """Hold an answer to what the document says of it."""
    responses = document["paths"][path][method]["responses"]
    described = responses.get(str(answer.status_code))
    if described is None:
        assert answer.status_code in ANYWHERE
        described = document["components"]["responses"][str(answer.status_code)]
    assert answer.mimetype in described["content"]
    for name in described["headers"]:
        required = document["components"]["headers"][name].get("required")
        assert name in answer.headers or not required, f"{name} is missing"
    schema = described["content"][answer.mimetype]["schema"]
    if answer.is_json:
        whole = schema | {"components": document["components"]}
        Draft202012Validator(whole).validate(answer.get_json())


def test_the_document_is_valid(document):
    validator = pytest.importorskip("openapi_spec_validator", reason="a development package")

    validator.validate(document)


def test_every_path_and_method_is_described_and_no_other(app, document):
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }

    assert {(path, method) for path, method, _ in operations(document)} == served


def test_every_problem_is_described_where_pictures_are_read(document):
    responses = document["paths"]["/predictlabel"]["post"]["responses"]
    described = {
        (int(status), kind)
        for status, response in responses.items()
        for narrowed in response["content"]
        .get("application/problem+json", {})
        .get("schema", {})
        .get("allOf", [])
        for kind in narrowed.get("properties", {}).get("type", {}).get("enum", [])
        if kind != "about:blank"
    }
    known = {(int(status), problem_type(error)) for error, (status, _) in PROBLEMS.items()}

    assert known - described == {(400, "urn:dlflask:problem:invalid-infer-request")}
    assert described < known


def test_what_nginx_answers_is_described(document):
    texts = (ROOT / "nginx" / "conf.d" / "problems.conf").read_text(encoding="utf-8")
    by_nginx = set(re.findall(r'^ +(\d{3}) "', texts, re.MULTILINE))
    assert {"429", "503", "504"} <= by_nginx

    for _, _, operation in operations(document):
        told = set(operation["responses"]) | {str(status) for status in ANYWHERE}
        # NGINX says 400, 501 and 505 of what is no HTTP that it speaks, 403 of folders, and 413 of
        # what the service would refuse as well.
        assert by_nginx - {"400", "403", "413", "501", "505"} <= told
        assert "Retry-After" in operation["responses"]["429"]["headers"]


def test_references_lead_somewhere_and_names_are_used_once(document):
    text = json.dumps(document)
    names = [operation["operationId"] for _, _, operation in operations(document)]

    for kind, name in re.findall(r'"#/components/(\w+)/([\w-]+)"', text):
        assert name in document["components"][kind]
    assert len(set(names)) == len(names)
    for kind in ("schemas", "headers", "parameters"):
        for name in document["components"][kind]:
            assert f"#/components/{kind}/{name}" in text or name == "Allow"


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: bad.name)
def test_a_problem_is_as_described(client, document, bad):
    body, content_type = encode_request(bad)

    answer = client.open(bad.path, method=bad.method, data=body, content_type=content_type)

    check(document, answer, "/predictlabel")


@pytest.mark.parametrize("path", ["/predictlabel", "/predictlabel?details=1"])
def test_an_answer_is_as_described(client, document, four_png, path):
    answer = client.post(path, data=four_png, content_type="image/png")

    assert answer.status_code == 200
    check(document, answer, "/predictlabel")


@pytest.mark.parametrize("query", ["", "?details=1"])
def test_several_answers_are_as_described(client, document, four_png, query):
    body, content_type = encode_form([("image", "", four_png), ("image", "x.png", b"x")])

    answer = client.post(f"/predictlabels{query}", data=body, content_type=content_type)

    assert answer.status_code == 200
    check(document, answer, "/predictlabels")


@pytest.mark.parametrize("is_ready", [True, False])
def test_reads_are_as_described(client, classifier, document, is_ready):
    classifier.is_ready = is_ready

    for path, method, _ in operations(document):
        if method == "get":
            here = path.replace("{filename}", "4.jpg")
            answer = client.get(here, buffered=True)
            if here == path:
                check(document, answer, path, method)
            assert answer.status_code in (200, 503)


@pytest.mark.parametrize(
    ("data", "status"), [([0.5] * 784, 200), ([2] * 784, 400)], ids=["right", "wrong"]
)
def test_an_inference_is_as_described(client, document, data, status):
    tensor = {"name": "image", "shape": [1, 28, 28], "datatype": "FP32", "data": data}
    body = {"id": "x", "inputs": [tensor]}

    answer = client.post("/v2/models/mnist/infer", json=body)

    assert answer.status_code == status
    check(document, answer, "/v2/models/mnist/infer")
    request = {"$ref": "#/components/schemas/InferRequest", "components": document["components"]}
    Draft202012Validator(request).validate(body)


def test_every_example_can_be_sent_as_it_stands(client, document):
    sent = 0
    for path, method, operation in operations(document):
        for media, body in operation.get("requestBody", {}).get("content", {}).items():
            for one in body.get("examples", {}).values():
                answer = client.open(path, method=method, json=one["value"], content_type=media)
                assert answer.status_code == 200
                assert "4" in answer.text
                sent += 1

    assert sent == 4


def test_bodies_are_as_described(document, four_png):
    text = base64.b64encode(four_png).decode()
    for name, body in (("Image", {"image": text}), ("Images", {"images": [text] * MAX_BATCH})):
        schema = document["components"]["schemas"][name] | {"components": document["components"]}
        Draft202012Validator(schema).validate(body)


def test_the_order_is_the_authors(client):
    text = client.get("/openapi.json").text

    assert text.index('"openapi"') < text.index('"info"') < text.index('"paths"')
    assert text.index('"/predictlabel"') < text.index('"/v2"') < text.index('"/livez"')


class Anchors(HTMLParser):
    """The ids of a page, and where its links go."""

    def __init__(self, page):
        super().__init__()
        self.ids, self.links, self.tags = [], [], set()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.add(tag)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if "href" in found else []


def test_the_reference_says_all_of_the_document(client, document):
    page = client.get("/reference").text
    anchors = Anchors(page)

    for path, method, operation in operations(document):
        assert f"<code>{method.upper()} {path}</code>" in page
        assert operation["operationId"] in anchors.ids
    for name in document["components"]["schemas"]:
        assert name in anchors.ids
    for error, (_, title) in PROBLEMS.items():
        assert title in page
        assert f"<code>{problem_type(error)}</code>" in page or "infer-request" in problem_type(
            error
        )


def test_the_reference_works_under_the_pages_policy(client):
    anchors = Anchors(client.get("/reference").text)

    assert len(set(anchors.ids)) == len(anchors.ids)
    assert "script" not in anchors.tags
    assert "style" not in anchors.tags
    for link in anchors.links:
        if link.startswith("#"):
            assert link[1:] in anchors.ids
        else:
            assert client.get(link, buffered=True).status_code == 200
