import io
import re

import pytest

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def rows(page):
    """The (digit, percentage, is the winner) rows of the answer's table."""
    found = re.findall(
        r'<tr( class="winner")?>\s*<th scope="row">(\d)</th>.*?<span>(.*?)</span>', page, re.DOTALL
    )
    return [(int(digit), percent, bool(winner)) for winner, digit, percent in found]


def test_the_page_has_a_form_that_works_without_javascript(client):
    page = client.get("/", headers=HTML).text

    assert re.search(r'<form[^>]*action="/"[^>]*method="post"[^>]*multipart/form-data', page)
    assert re.search(r'<input[^>]*name="image"[^>]*type="file"', page)
    assert [digit for digit, _, _ in rows(page)] == list(range(10))


def test_the_form_is_answered_with_ten_probabilities(client, four_png):
    answer = client.post("/", data={"image": (io.BytesIO(four_png), "4.png")}, headers=HTML)

    assert answer.status_code == 200
    assert "This looks like a 4 (91.0%)." in answer.text
    assert rows(answer.text) == [(d, "91.0%" if d == 4 else "1.0%", d == 4) for d in range(10)]


@pytest.mark.parametrize(
    ("content", "name", "status", "says"),
    [
        pytest.param(b"", "", 400, "Choose a picture", id="nothing-chosen"),
        pytest.param(b"I am a 4", "4.png", 415, "Send one of: PNG", id="text"),
    ],
)
def test_the_form_says_what_is_wrong(client, content, name, status, says):
    answer = client.post("/", data={"image": (io.BytesIO(content), name)}, headers=HTML)

    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    assert re.search(rf'<p id="status" role="status" class="error">[^<]*{says}', answer.text)


def test_the_page_loads_from_its_own_host_only(client):
    page = client.get("/", headers=HTML).text

    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert addresses
    assert all(address.startswith("/static/") for address in addresses)
    assert all(client.get(address, buffered=True).status_code == 200 for address in addresses)


def test_the_terminal_line_names_the_host_the_page_came_from(client):
    page = client.get("/", base_url="http://digits.example:8080", headers=HTML).text

    assert "curl -F image=@4.jpg http://digits.example:8080/predictlabel" in page
