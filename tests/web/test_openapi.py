"""The OpenAPI document matches the service: paths, problems, headers and schemas."""

import json
import re

import pytest

from dlflask import __version__
from dlflask.config import Config
from dlflask.digits.model_info import DIGIT_OUTPUTS
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.digits.thresholds import VERDICTS
from dlflask.problem_types import PROBLEMS, problem_type
from dlflask.types import SIZE
from dlflask.web.app import create_app
from dlflask.web.inference_protocol.request import INPUT
from dlflask.web.inference_protocol.tensors import MAX_BATCH
from dlflask.web.uploads.limits import MAX_UPLOADS
from tests import openapi
from tests.openapi import ANYWHERE, operations, resolve
from tests.serving import ROOT


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
    assert tensor["shape"]["items"]["maximum"] == SIZE * SIZE
    assert f"N is at most {MAX_BATCH}" in tensor["shape"]["description"]
    assert tensor["name"]["const"] == INPUT
    assert outputs == [list(DIGIT_OUTPUTS)] * 2
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
