import io
import re
from dataclasses import replace
from urllib.parse import urljoin

import numpy as np
import pytest
from PIL import Image, ImageChops

from dlflask.config import Config
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.web.app import create_app
from dlflask.web.views import SAMPLES
from tests.conftest import encode
from tests.drawing import NUMBERS, draw_number_sample, draw_sample
from tests.serving import ROOT

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def rows(page):
    """Return (digit, mark, percentage) of each row of the table."""
    found = re.findall(
        r'<th scope="row">(\d)</th>.*?<td class="mark">(.*?)</td>\s*<td class="percent">(.*?)</td>',
        page,
        re.DOTALL,
    )
    return [(int(digit), mark, percent) for digit, mark, percent in found]


def status(page):
    return re.search(r'<p id="status"[^>]*>(.*?)</p>', page, re.DOTALL)[1].strip()


def send(client, image, name="4.png"):
    return client.post("/", data={"image": (io.BytesIO(image), name)}, headers=HTML)


def test_page_has_form_for_browsers_without_javascript(client):
    page = client.get("/", headers=HTML).text

    assert re.search(r'<form[^>]*action="./"[^>]*method="post"[^>]*multipart/form-data', page)
    assert re.search(r'<input[^>]*name="image"[^>]*type="file"', page)
    assert rows(page) == [(digit, "", "\N{EN DASH}") for digit in range(10)]
    assert status(page) == "Nothing to read yet."


def test_form_returns_ten_probabilities(client, four_png):
    response = send(client, four_png)

    assert response.status_code == 200
    assert status(response.text) == "This looks like a 4 (91.0%)."
    assert rows(response.text) == [
        (d, "answer" if d == 4 else "", "91.0%" if d == 4 else "1.0%") for d in range(10)
    ]


def test_form_shows_input_of_network(client, placed_digit):
    page = send(client, encode(Image.fromarray(placed_digit))).text

    seen = np.zeros((28, 28))
    for x, y, opacity in re.findall(r'<rect x="(\d+)" y="(\d+)".*? opacity="(.*?)"/>', page):
        seen[int(y), int(x)] = float(opacity)
    assert np.allclose(seen, placed_digit / 255, atol=0.005)


def test_form_shows_candidates_if_unsure(client, classifier, four_png):
    classifier.outputs = np.array([0.02] * 4 + [0.41] + [0.02] * 4 + [0.43], np.float32)

    page = send(client, four_png).text

    assert status(page) == "Not sure: 9 or 4."
    assert [row for row in rows(page) if row[1]] == [(4, "maybe", "41.0%"), (9, "maybe", "43.0%")]


def test_form_shows_verdict_not_a_digit(client, classifier, four_png):
    classifier.outputs = np.array([0.01] * 10 + [0.9], np.float32)

    page = send(client, four_png).text

    assert status(page) == "This does not look like a digit."
    assert rows(page) == [(digit, "", "10.0%") for digit in range(10)]


@pytest.mark.parametrize(
    ("content", "name", "code", "message"),
    [
        pytest.param(b"", "", 400, "Choose a picture", id="nothing-chosen"),
        pytest.param(b"I am a 4", "4.png", 415, "Send one of: PNG", id="text"),
    ],
)
def test_form_with_bad_image_shows_error(client, content, name, code, message):
    response = send(client, content, name)

    assert response.status_code == code
    assert response.mimetype == "text/html"
    assert re.search(
        rf'<p id="picture-error" class="error" role="status">[^<]*{message}', response.text
    )
    assert status(response.text) == "No answer."


def test_form_says_that_an_empty_page_shows_no_writing(client):
    response = send(client, encode(Image.new("L", (60, 60), 255)))

    assert response.status_code == 422
    assert status(response.text) == "No writing was found."


@pytest.mark.parametrize("digit", range(10))
def test_sample_is_read_without_javascript(client, classifier, digit):
    response = client.post("/", data={"sample": digit}, headers=HTML)

    assert response.status_code == 200
    assert status(response.text) == "This looks like a 4 (91.0%)."
    assert classifier.tensors[0].any()


@pytest.mark.parametrize("name", ["10", "../4", ""])
def test_unknown_sample_returns_400(client, name):
    response = client.post("/", data={"sample": name}, headers=HTML)

    assert response.status_code == 400
    assert "Choose one of: 0, 1," in response.text


@pytest.mark.parametrize(
    ("name", "drawn", "most"),
    [
        *((str(digit), draw_sample(digit), 1_000) for digit in range(10)),
        *((f"numbers/{text}", draw_number_sample(text), 2_000) for text in NUMBERS),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_samples_match_the_drawing_code(name, drawn, most):
    path = ROOT / "static" / "samples" / f"{name}.png"

    with Image.open(path) as sample:
        difference = ImageChops.difference(sample.convert("RGB"), drawn.convert("RGB"))

    assert name in SAMPLES
    assert difference.getbbox() is None, "run `python -m tests.drawing`"
    assert path.stat().st_size < most


def test_page_loads_only_from_its_own_host(client):
    page = client.get("/", headers=HTML).text

    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert addresses
    assert all(re.match(r"\./static/|\./reference(#|$)", address) for address in addresses)
    found = [client.get(urljoin("/", address), buffered=True) for address in addresses]
    assert {response.status_code for response in found} == {200}


@pytest.mark.parametrize(("path", "root"), [("/none", "./"), ("/no/such/address", "../../")])
def test_error_page_links_to_the_files_of_the_page(client, path, root):
    page = client.get(path, headers=HTML).text

    assert f'href="{root}static/page.css"' in page
    assert f'action="{root}"' in page


def test_page_has_no_inline_script_or_style(client, four_png):
    page = send(client, four_png).text

    assert not re.search(r"<style|<script(?![^>]*\ssrc=)|\s(?:style|on\w+)=", page)


def test_terminal_command_contains_host_of_the_page(client):
    page = client.get("/", base_url="http://digits.example:8080", headers=HTML).text

    assert (
        "curl -s http://digits.example:8080/static/samples/4.png"
        " | curl -F image=@- http://digits.example:8080/predictlabel" in page
    )


def about(app):
    """Return the page's section on the model."""
    page = app.test_client().get("/", headers=HTML).text
    assert "README" not in page
    return page.split('id="about-title"')[1].split("</section>")[0]


def test_page_describes_the_model_without_other_documents(client, app):
    section = about(app)

    assert "The model was saved by Keras 2.2.4: 2 layers, 7,850 weights" in section
    assert "values 0..255" in section
    assert "It reads 9 of 10 sample digits." in section
    assert 'class="error"' not in section
    link = re.search('href="./reference#(.+?)"', section)[1]
    assert f'id="{link}"' in client.get("/reference").text


def test_page_warns_of_a_doubtful_model(classifier):
    classifier.description = replace(classifier.description, samples_read=3)

    section = about(create_app(Config(), DigitRecogniser(classifier)))

    assert re.search(
        r'<p id="model" class="error">[^<]*predictions of this model are probably wrong', section
    )


def test_page_states_weaknesses_of_the_projects_own_model_only(classifier):
    of_another = about(create_app(Config(), DigitRecogniser(classifier)))
    classifier.thresholds = replace(classifier.thresholds, chosen_on="photographs")
    of_own = about(create_app(Config(), DigitRecogniser(classifier)))

    assert "letters shaped like digits" in of_own
    assert "letters shaped like digits" not in of_another
    assert "The operator of this service brought the model for digits" in of_another


def test_page_shows_hash_of_model(client, classifier):
    page = client.get("/", headers=HTML).text

    assert classifier.sha256[:12] in page
