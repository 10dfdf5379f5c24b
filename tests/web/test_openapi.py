"""The OpenAPI document matches the service: paths, problems, headers and schemas."""

import base64
import json
import re
from html.parser import HTMLParser

import pytest
from jsonschema import Draft202012Validator

from dlflask import __version__
from dlflask.config import Config
from dlflask.digits.recogniser import OUTPUTS, DigitRecogniser
from dlflask.digits.thresholds import VERDICTS
from dlflask.errors import InvalidInferRequest, ModelError
from dlflask.problem_types import PROBLEMS, problem_type
from dlflask.web.app import create_app
from dlflask.web.inference_protocol.request import INPUT
from dlflask.web.inference_protocol.tensors import MAX_BATCH
from dlflask.web.state import current_state
from dlflask.web.uploads import MAX_UPLOADS
from tests import openapi
from tests.invalid_requests import BAD_REQUESTS, encode_form, encode_request
from tests.serving import ROOT

#: Statuses that every address can return; they are described once, as components.
ANYWHERE = {404, 405}


@pytest.fixture
def document(client):
    return client.get("/openapi.json").get_json()


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def resolve(document, response):
    """Follow the reference of a response, if it is one."""
    if "$ref" not in response:
        return response
    return document["components"]["responses"][response["$ref"].split("/")[-1]]


def check(document, response, path, method="post"):
    """Compare a response with its description."""
    responses = document["paths"][path][method]["responses"]
    described = responses.get(str(response.status_code))
    if described is None:
        assert response.status_code in ANYWHERE
        described = {"$ref": f"#/components/responses/{response.status_code}"}
    described = resolve(document, described)
    assert response.mimetype in described["content"]
    for name in described["headers"]:
        required = document["components"]["headers"][name].get("required")
        assert name in response.headers or not required, f"{name} is missing"
    schema = described["content"][response.mimetype]["schema"]
    if response.is_json:
        whole = schema | {"components": document["components"]}
        Draft202012Validator(whole).validate(response.get_json())
    if (
        response.mimetype == "application/problem+json"
        and response.get_json()["type"] != "about:blank"
    ):
        assert f"`{response.get_json()['type']}`" in described["description"]


def test_document_is_valid_openapi(document):
    validator = pytest.importorskip("openapi_spec_validator", reason="a development package")

    validator.validate(document)


def test_document_describes_exactly_the_served_operations(app, document):
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule.replace("<name>", name)), method.lower())
        for rule in app.url_map.iter_rules()
        for name in ("mnist", "number")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }

    assert {(path, method) for path, method, _ in operations(document)} == served


def test_document_describes_every_problem_of_predictlabel(document):
    responses = document["paths"]["/predictlabel"]["post"]["responses"]
    described = {
        (int(status), title, kind)
        for status, response in responses.items()
        for title, kind in re.findall(
            r"^- (.+): `(urn:.+)`$", resolve(document, response)["description"], re.MULTILINE
        )
    }
    known = {
        (int(status), title, problem_type(error)) for error, (status, title) in PROBLEMS.items()
    }

    assert {kind for _, _, kind in known - described} == {
        "urn:dlflask:problem:invalid-infer-request"
    }
    assert described < known


def test_document_describes_responses_of_nginx(document):
    texts = (ROOT / "nginx" / "conf.d" / "problems.conf").read_text(encoding="utf-8")
    by_nginx = set(re.findall(r'^ +(\d{3}) "', texts, re.MULTILINE))
    assert {"429", "503", "504"} <= by_nginx

    for _, _, operation in operations(document):
        described = set(operation["responses"]) | {str(status) for status in ANYWHERE}
        # NGINX returns 400, 501 and 505 for invalid HTTP, 403 for folders, and 413 for requests
        # that the service would reject as well.
        assert by_nginx - {"400", "403", "413", "501", "505"} <= described
        limited = resolve(document, operation["responses"]["429"])
        assert "Retry-After" in limited["headers"]


def test_document_references_exist_and_names_are_unique(document):
    text = json.dumps(document)
    names = [operation["operationId"] for _, _, operation in operations(document)]

    for kind, name in re.findall(r'"#/components/(\w+)/([\w-]+)"', text):
        assert name in document["components"][kind]
    assert len(set(names)) == len(names)
    for kind in ("schemas", "headers", "parameters", "responses"):
        for name in document["components"][kind]:
            assert f'#/components/{kind}/{name}"' in text or name in map(str, ANYWHERE)


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: bad.name)
def test_problem_matches_document(client, document, bad):
    body, content_type = encode_request(bad)

    response = client.open(bad.path, method=bad.method, data=body, content_type=content_type)

    check(document, response, "/predictlabel")


@pytest.mark.parametrize("path", ["/predictlabel", "/predictlabel?details=1"])
def test_prediction_matches_document(client, document, four_png, path):
    response = client.post(path, data=four_png, content_type="image/png")

    assert response.status_code == 200
    check(document, response, "/predictlabel")


@pytest.mark.parametrize("query", ["", "?details=1"])
def test_several_predictions_match_document(client, document, four_png, query):
    body, content_type = encode_form([("image", "", four_png), ("image", "x.png", b"x")])

    response = client.post(f"/predictlabels{query}", data=body, content_type=content_type)

    assert response.status_code == 200
    check(document, response, "/predictlabels")


@pytest.mark.parametrize("query", ["", "?length=1", "?length=2-3", "?length=0", "?details=1"])
def test_number_matches_document(client, document, four_png, query):
    response = client.post(f"/predictnumber{query}", data=four_png, content_type="image/png")

    assert response.status_code == (400 if query == "?length=0" else 200)
    check(document, response, "/predictnumber")


@pytest.mark.parametrize("query", ["", "?details=1"])
def test_several_numbers_match_document(client, document, four_png, query):
    body, content_type = encode_form([("image", "", four_png), ("image", "x.png", b"x")])

    response = client.post(f"/predictnumbers{query}", data=body, content_type=content_type)

    assert response.status_code == 200
    check(document, response, "/predictnumbers")


def test_number_inference_matches_document(client, document, four_png):
    text = base64.b64encode(four_png).decode()
    tensor = {"name": "image", "shape": [1], "datatype": "BYTES", "data": [text]}

    response = client.post("/v2/models/number/infer", json={"inputs": [tensor]})

    assert response.status_code == 200
    check(document, response, "/v2/models/number/infer")


def test_service_without_number_model_matches_document(classifier, document, four_png):
    client = create_app(Config(), DigitRecogniser(classifier)).test_client()

    response = client.post("/predictnumber", data=four_png, content_type="image/png")

    assert response.status_code == 404
    assert "number_model.h5" in response.get_json()["detail"]
    check(document, response, "/predictnumber")


def make_ready(health, classifier):
    health.start()


def make_starting(health, classifier):
    classifier.is_ready = False


def make_draining(health, classifier):
    health.is_draining = lambda: True


def make_failed(health, classifier):
    def fail():
        raise ModelError("The model predicts 3 for a 4.")

    classifier.warm_up = fail
    health.start()


STATES = {
    "ready": make_ready,
    "starting": make_starting,
    "draining": make_draining,
    "failed": make_failed,
}


@pytest.mark.parametrize("state", STATES)
def test_get_in_every_state_matches_document(app, client, classifier, document, state):
    with app.app_context():
        STATES[state](current_state().health, classifier)

    assert client.get("/readyz").get_json() == {"status": state}
    for path, method, _ in operations(document):
        if method == "get":
            here = path.replace("{filename}", "4.jpg")
            response = client.get(here, buffered=True)
            if here == path:
                check(document, response, path, method)
            assert response.status_code in (200, 503)


def test_problem_of_failed_service_matches_document(app, client, classifier, document, four_png):
    with app.app_context():
        make_failed(current_state().health, classifier)

    response = client.post("/predictlabel", data=four_png, content_type="image/png")

    assert response.status_code >= 500
    check(document, response, "/predictlabel")


@pytest.mark.parametrize(
    ("data", "status"), [([0.5] * 784, 200), ([2] * 784, 400)], ids=["right", "wrong"]
)
def test_inference_matches_document(client, document, data, status):
    tensor = {"name": "image", "shape": [1, 28, 28], "datatype": "FP32", "data": data}
    body = {"id": "x", "inputs": [tensor]}

    response = client.post("/v2/models/mnist/infer", json=body)

    assert response.status_code == status
    check(document, response, "/v2/models/mnist/infer")
    request = {"$ref": "#/components/schemas/InferRequest", "components": document["components"]}
    Draft202012Validator(request).validate(body)


def test_every_request_example_is_accepted(client, document):
    sent = 0
    for path, method, operation in operations(document):
        for media, body in operation.get("requestBody", {}).get("content", {}).items():
            for one in body.get("examples", {}).values():
                response = client.open(path, method=method, json=one["value"], content_type=media)
                assert response.status_code == 200
                assert "4" in response.text
                sent += 1

    assert sent == 8


def test_request_bodies_match_document(document, four_png):
    text = base64.b64encode(four_png).decode()
    for name, body in (("Image", {"image": text}), ("Images", {"images": [text] * MAX_BATCH})):
        schema = document["components"]["schemas"][name] | {"components": document["components"]}
        Draft202012Validator(schema).validate(body)


def test_openapi_json_is_converted_from_yaml():
    text = openapi.TARGET.read_text(encoding="utf-8")

    assert text == openapi.convert(), "run `make openapi`"


def test_document_limits_are_those_of_the_service(document):
    schemas = document["components"]["schemas"]
    details, tensor = schemas["Details"]["properties"], schemas["Input"]["properties"]
    outputs = [
        schemas[name]["properties"]["name"]["enum"] for name in ("RequestedOutput", "Output")
    ]

    for lists, name in (("Images", "images"), ("ImagesForm", "image"), ("Results", "results")):
        assert schemas[lists]["properties"][name]["maxItems"] == MAX_UPLOADS
    assert f"up to {MAX_UPLOADS} images" in document["paths"]["/predictlabels"]["post"]["summary"]
    assert tensor["shape"]["items"]["maximum"] == MAX_BATCH
    assert tensor["name"]["const"] == INPUT
    assert outputs == [list(OUTPUTS)] * 2
    assert details["verdict"]["enum"] == list(VERDICTS)
    assert document["info"]["version"] == __version__


def test_document_names_formats_and_size_limit(classifier):
    client = create_app(
        Config(max_upload_bytes=4_000_000), DigitRecogniser(classifier)
    ).test_client()

    description = client.get("/openapi.json").get_json()["info"]["description"]

    assert "PNG, JPEG, WEBP" in description
    assert "up to 4.0 MB" in description


def test_document_keeps_order_of_yaml(client):
    text = client.get("/openapi.json").text

    assert text.index('"openapi"') < text.index('"info"') < text.index('"paths"')
    assert text.index('"/predictlabel"') < text.index('"/v2"') < text.index('"/livez"')


class Anchors(HTMLParser):
    """The ids and the targets of links in a page."""

    def __init__(self, page):
        super().__init__()
        self.ids, self.links, self.tags = [], [], set()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.add(tag)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if "href" in found else []


def test_reference_contains_whole_document(client, document):
    page = client.get("/reference").text
    anchors = Anchors(page)

    for path, method, operation in operations(document):
        assert f"<code>{method.upper()} {path}</code>" in page
        assert operation["operationId"] in anchors.ids
    for name in document["components"]["schemas"]:
        assert name in anchors.ids
    for error, (_, title) in PROBLEMS.items():
        if error is not InvalidInferRequest:
            assert f"{title}: <code>{problem_type(error)}</code>" in page


def test_reference_shows_examples_first(client, document):
    page = client.get("/reference", base_url="http://digits.example:8080").text
    article = page.split('id="predictLabel"')[1].split("</article>")[0]

    assert "curl -F image=@static/samples/4.png http://digits.example:8080/predictlabel" in article
    assert "&#34;most_probable_label&#34;: &#34;4&#34;" in article
    assert article.index("most_probable_label") < article.index("Parameters")
    for _, _, operation in operations(document):
        article = page.split(f'id="{operation["operationId"]}"')[1].split("</article>")[0]
        assert article.index('class="examples"') < article.index("<b>Errors</b>")


def test_reference_describes_each_error_once(client, document):
    page = client.get("/reference").text

    for name, response in document["components"]["responses"].items():
        words = response["description"].split("`")[0].split("\n")[0]
        assert page.count(f'id="error-{name}"') == 1
        assert page.count(words) == 1


def test_reference_merges_versioned_addresses(client):
    page = client.get("/reference").text
    article = page.split('id="modelInfer"')[1].split("</article>")[0]

    assert "POST /v2/models/mnist/infer" in article
    assert "POST /v2/models/mnist/versions/1/infer" in article


def test_reference_works_under_content_security_policy(client):
    anchors = Anchors(client.get("/reference").text)

    assert len(set(anchors.ids)) == len(anchors.ids)
    assert "script" not in anchors.tags
    assert "style" not in anchors.tags
    for link in anchors.links:
        if link.startswith("#"):
            assert link[1:] in anchors.ids
        else:
            assert client.get(link, buffered=True).status_code == 200
