"""Write dlflask/web/openapi/openapi.json from openapi.yaml: `python -m tests.openapi`.

PyYAML is a development package: the service reads the JSON.
"""

import json

import yaml

from tests.serving import ROOT

FOLDER = ROOT / "dlflask" / "web" / "openapi"
SOURCE = FOLDER / "openapi.yaml"
TARGET = FOLDER / "openapi.json"


def convert():
    """Return the text of openapi.json: the YAML without its anchors and `x-shared`."""
    document = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    del document["x-shared"]
    return _write(document, levels=3) + "\n"


def _write(value, levels):
    """Return JSON with one line for each operation and component, for short diffs."""
    if not levels or not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    members = (f"{json.dumps(name)}: {_write(one, levels - 1)}" for name, one in value.items())
    return "{\n" + ",\n".join(members) + "\n}"


#: Statuses that every address can return; they are described once, as components.
ANYWHERE = {404, 405}


def operations(document):
    """Yield path, method and description of every operation."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def resolve(document, response):
    """Follow the reference of a response, if it is one."""
    if "$ref" not in response:
        return response
    return document["components"]["responses"][response["$ref"].split("/")[-1]]


if __name__ == "__main__":
    TARGET.write_text(convert(), encoding="utf-8")
