"""Compression of the page and its files."""

import gzip

import pytest

from tests.serving import ROOT

GZIP = {"Accept-Encoding": "gzip, deflate, br"}


def test_page_is_compressed_for_clients_that_accept_it(client):
    plain = client.get("/", headers={"Accept": "text/html"})
    compressed = client.get("/", headers=GZIP | {"Accept": "text/html"})

    assert "Content-Encoding" not in plain.headers
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(compressed.data) == plain.data
    assert int(compressed.headers["Content-Length"]) == len(compressed.data) < len(plain.data) / 2
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert "Accept-Encoding" in compressed.headers["Vary"]


def test_static_file_is_compressed_and_can_be_revalidated(client):
    compressed = client.get("/static/page.css", headers=GZIP, buffered=True)
    again = client.get(
        "/static/page.css",
        headers=GZIP | {"If-None-Match": compressed.headers["ETag"]},
        buffered=True,
    )

    assert gzip.decompress(compressed.data) == (ROOT / "static" / "page.css").read_bytes()
    assert compressed.headers["ETag"].startswith("W/")
    assert again.status_code == 304
    assert again.data == b""


@pytest.mark.parametrize(
    ("path", "encodings"),
    [
        ("/static/page.css", "gzip;q=0"),
        ("/static/page.css", "br"),
        ("/static/icon.svg", "gzip"),
        ("/static/4.jpg", "gzip"),
        ("/v2/models/mnist", "gzip"),
    ],
)
def test_other_responses_are_not_compressed(client, path, encodings):
    response = client.get(path, headers={"Accept-Encoding": encodings}, buffered=True)

    assert response.status_code == 200
    assert "Content-Encoding" not in response.headers


def test_head_is_answered_without_a_body(client):
    response = client.head("/static/page.css", headers=GZIP, buffered=True)

    assert response.status_code == 200
    assert response.data == b""


def test_part_of_a_file_is_not_compressed(client):
    response = client.get("/static/page.css", headers=GZIP | {"Range": "bytes=0-9"}, buffered=True)

    assert response.status_code == 206
    assert response.data == (ROOT / "static" / "page.css").read_bytes()[:10]
    assert "Content-Encoding" not in response.headers
