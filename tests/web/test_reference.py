"""The page /reference shows the whole OpenAPI document."""

from html.parser import HTMLParser
from urllib.parse import urljoin

from dlflask.errors import InvalidInferRequest
from dlflask.problem_types import PROBLEMS, problem_type
from tests.openapi import operations


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
            assert client.get(urljoin("/", link), buffered=True).status_code == 200
