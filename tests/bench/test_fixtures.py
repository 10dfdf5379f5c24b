import io

import pytest
from PIL import ExifTags, Image
from werkzeug.test import EnvironBuilder

from bench.pictures import CONTENT_TYPE, PICTURES, form
from dlflask.form import FormRequest


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("small", (28, 28)),
        ("middle", (400, 400)),
        ("phone", (4032, 3024)),
        ("hundredfold", (4000, 4000)),
    ],
)
def test_a_picture_is_what_its_name_says_and_the_same_each_time(name, size):
    picture = PICTURES[name]()

    with Image.open(io.BytesIO(picture.content)) as opened:
        assert opened.size == size
        assert opened.get_format_mimetype() == picture.media_type
        assert (ExifTags.Base.Orientation in opened.getexif()) == (name == "phone")
    assert picture.content == PICTURES[name]().content


def test_the_phones_photo_weighs_what_photos_do():
    assert 1_000_000 < len(PICTURES["phone"]().content) < 5_000_000


@pytest.mark.parametrize("copies", [1, 3])
def test_a_form_holds_the_picture_so_many_times(copies):
    picture = PICTURES["small"]()
    body = form(picture, copies)
    environ = EnvironBuilder(
        method="POST",
        input_stream=io.BytesIO(body),
        content_length=len(body),
        content_type=CONTENT_TYPE,
    ).get_environ()

    parts = FormRequest(environ).files.getlist("image")

    assert [part.read() for part in parts] == [picture.content] * copies
    assert {part.mimetype for part in parts} == {"image/png"}
