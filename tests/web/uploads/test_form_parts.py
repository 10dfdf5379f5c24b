"""Parts with and without file names, in forms of libraries and forms written by hand."""

import base64

import pytest

from tests.conftest import encode
from tests.drawing import draw_digit

PNG, JPEG = encode(draw_digit(4)), encode(draw_digit(4), "JPEG")
MULTIPART = "multipart/form-data; boundary=x"

#: The second is handled by Flask, because of its query.
PATHS = ["/predictlabel", "/predictlabel?in=flask"]


def part(disposition, content=PNG, *headers):
    """Return a part; bytes in `disposition` are sent as they are."""
    if isinstance(disposition, str):
        disposition = disposition.encode()
    lines = [b"--x", b"Content-Disposition: " + disposition, *headers, b"", content]
    return b"\r\n".join(lines) + b"\r\n"


def form(*parts):
    return b"".join(parts) + b"--x--\r\n"


NAME = 'form-data; name="image"'

#: Values of Content-Disposition.
DISPOSITIONS = {
    "extended-name-only": NAME + "; filename*=UTF-8''%E2%82%AC.png",
    "extended-name-in-gbk": NAME + "; filename*=GBK''%CB%C4.png",
    "extended-name-in-quotes": NAME + "; filename*=\"UTF-8''4.png\"",
    "extended-name-without-charset": NAME + "; filename*=4.png",
    "extended-name-in-raw-utf-8": NAME + "; filename*=UTF-8''größe.png",
    "extended-name-in-pieces": NAME + '; filename*0="4"; filename*1=".png"',
    "both-names": NAME + "; filename=\"4.png\"; filename*=UTF-8''4.png",
    "no-file-name": NAME,
    "no-file-name-and-no-quotes": "form-data; name=image",
    "no-file-name-in-file": 'form-data; name="file"',
    "no-last-quote": NAME + '; filename="4.png',
    "gbk": NAME.encode() + b'; filename="%b"' % "四.png".encode("gbk"),
    "gbk-ends-in-backslash": NAME.encode() + b'; filename="%b"' % "乗".encode("gbk"),
    "gbk-without-quotes": NAME.encode() + b"; filename=%b" % "四.png".encode("gbk"),
    "big5-without-quotes": NAME.encode() + b"; filename=%b" % "功.png".encode("big5"),
    "shift-jis-without-quotes": NAME.encode() + b"; filename=%b" % "ソ".encode("shift-jis"),
    "latin-1-without-quotes": NAME.encode() + b"; filename=%b" % "größe".encode("latin-1"),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("line_break", [b"\r\n", b"\n"], ids=["crlf", "lf"])
@pytest.mark.parametrize("disposition", DISPOSITIONS.values(), ids=DISPOSITIONS)
def test_part_is_read_whatever_its_file_name(client, disposition, line_break, path):
    expected = client.post(path, data=PNG, content_type="image/png")
    headers, separator, rest = form(part(disposition)).partition(b"\r\n\r\n")
    body = (headers + separator).replace(b"\r\n", line_break) + rest

    response = client.post(path, data=body, content_type=MULTIPART)

    assert response.status_code == 200, response.text
    assert response.data == expected.data


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("content", "headers"),
    [
        pytest.param(JPEG, [b"Content-Type: image/jpeg"], id="image-type"),
        pytest.param(JPEG, [b"Content-Type: application/octet-stream"], id="unknown-type"),
        pytest.param(
            JPEG, [b"Content-Type: text/plain; charset=utf-8"], id="text-type-of-an-image"
        ),
        pytest.param(JPEG, [b"Content-Transfer-Encoding: binary"], id="transfer-encoding"),
        pytest.param(base64.b64encode(JPEG), [], id="base64"),
        pytest.param(base64.urlsafe_b64encode(JPEG).rstrip(b"="), [], id="url-safe-base64"),
        pytest.param(base64.encodebytes(JPEG), [b"Content-Type: text/plain"], id="base64-lines"),
        pytest.param(b"data:image/jpeg;base64," + base64.b64encode(JPEG), [], id="data-url"),
    ],
)
def test_part_without_file_name_is_read_by_content(client, content, headers, path):
    expected = client.post(path, data=JPEG, content_type="image/jpeg")

    response = client.post(path, data=form(part(NAME, content, *headers)), content_type=MULTIPART)

    assert response.status_code == 200, response.text
    assert response.data == expected.data


def test_predictlabels_reads_parts_without_file_names_in_order(client):
    body = form(part(NAME), part(NAME + '; filename="x"', b"no image"), part(NAME, JPEG))

    response = client.post("/predictlabels", data=body, content_type=MULTIPART)

    assert [one.get("status") for one in response.get_json()["results"]] == [None, 415, None]


def test_large_image_without_file_name_is_read(client):
    large = PNG + bytes(3_000_000)  # more than the text fields of a form may have

    response = client.post("/predictlabel", data=form(part(NAME, large)), content_type=MULTIPART)

    assert response.status_code == 200, response.text


@pytest.mark.parametrize("path", [*PATHS, "/predictlabels"])
@pytest.mark.parametrize("name", ["image", "file"])
def test_text_beside_a_file_is_ignored(client, path, name):
    body = form(
        part(f'form-data; name="{name}"', b"4.png"),
        part(NAME + '; filename="4.png"'),
        part('form-data; name="file"', b"", b"Content-Type: text/plain"),
    )

    response = client.post(path, data=body, content_type=MULTIPART)

    assert response.status_code == 200, response.text


@pytest.mark.parametrize("path", [*PATHS, "/predictlabels"])
@pytest.mark.parametrize("text", ["static/4.jpg", "4", "", "größe.png", "x" * 600_000])
def test_text_instead_of_a_file_returns_400_that_explains_curl(client, path, text):
    body = form(part(NAME, text.encode()))

    response = client.post(path, data=body, content_type=MULTIPART)

    assert response.status_code == 400
    detail = response.get_json()["detail"]
    assert f"The part 'image' is the text {text[:39]!r:.40}" in detail
    assert "curl -F image=@4.jpg" in detail


@pytest.mark.parametrize(
    ("content", "status"), [(b"data:image/png;base64,!!", 422), (b"data:,", 422)]
)
def test_invalid_text_of_an_image_returns_its_own_error(client, content, status):
    response = client.post("/predictlabel", data=form(part(NAME, content)), content_type=MULTIPART)

    assert response.status_code == status


@pytest.mark.parametrize("path", [*PATHS, "/predictlabels", "/"])
@pytest.mark.parametrize(
    ("content_type", "message"),
    [
        pytest.param("multipart/form-data", "lacks the boundary", id="missing"),
        pytest.param("multipart/form-data;", "lacks the boundary", id="only-a-semicolon"),
        pytest.param("multipart/form-data; boundary=", "lacks the boundary", id="empty"),
        pytest.param('multipart/form-data; boundary=""', "lacks the boundary", id="empty-quotes"),
        pytest.param("multipart/form-data; charset=utf-8", "lacks the boundary", id="charset"),
        pytest.param("multipart/form-data; boundary=y", "'y' of the header", id="another"),
        pytest.param("multipart/form-data; boundary='x'", "\"'x'\" of the", id="single-quotes"),
        pytest.param("multipart/form-data; boundary=----x", "'----x' of the", id="with-hyphens"),
    ],
)
def test_form_with_wrong_boundary_returns_400_that_says_so(client, path, content_type, message):
    body = form(part(NAME + '; filename="4.png"'))

    response = client.post(path, data=body, content_type=content_type)

    assert response.status_code == 400
    assert message in response.get_json()["detail"]
    assert "Let the HTTP library set this header" in response.get_json()["detail"]
