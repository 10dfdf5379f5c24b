import io

import pytest
from PIL import ExifTags, Image
from werkzeug.test import EnvironBuilder

from bench.fixtures import CONTENT_TYPE, make_fixtures
from dlflask.web.form_request import FormRequest


@pytest.fixture(scope="module")
def fixtures():
    return make_fixtures()


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("small", (28, 28)),
        ("middle", (400, 400)),
        ("phone", (4032, 3024)),
        ("large", (4000, 4000)),
    ],
)
def test_fixture_has_the_size_and_type_of_its_name(fixtures, name, size):
    fixture = fixtures[name]

    with Image.open(io.BytesIO(fixture.content)) as opened:
        assert opened.size == size
        assert opened.get_format_mimetype() == fixture.media_type
        assert (ExifTags.Base.Orientation in opened.getexif()) == (name == "phone")


def test_fixtures_are_reproducible(fixtures):
    assert make_fixtures() == fixtures


def test_phone_photo_is_as_large_as_a_photo(fixtures):
    assert 1_000_000 < len(fixtures["phone"].content) < 5_000_000


@pytest.mark.parametrize("copies", [1, 3])
def test_form_holds_the_image_several_times(fixtures, copies):
    body = fixtures["small"].form(copies)
    environ = EnvironBuilder(
        method="POST",
        input_stream=io.BytesIO(body),
        content_length=len(body),
        content_type=CONTENT_TYPE,
    ).get_environ()

    parts = FormRequest(environ).files.getlist("image")

    assert [part.read() for part in parts] == [fixtures["small"].content] * copies
    assert {part.mimetype for part in parts} == {"image/png"}
