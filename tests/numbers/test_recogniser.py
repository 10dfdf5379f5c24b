import base64
import json

import numpy as np
import pytest

from dlflask.errors import BlankImage, UnsupportedImage, UploadTooLarge
from dlflask.numbers.decoding.lengths import Lengths
from dlflask.numbers.recogniser import NumberRecogniser
from tests.conftest import FakeNetwork, encode
from tests.drawing import draw_digit, draw_number


@pytest.fixture
def recogniser(network, classifier):
    return NumberRecogniser(network, classifier)


def test_read_many_keeps_errors_in_their_places(recogniser, four_png):
    too_large = UploadTooLarge("too large")
    blank = encode(draw_digit(4, ink=(255, 255, 255)))

    first, second, third, fourth = recogniser.read_many([b"x", four_png, too_large, blank])

    assert isinstance(first, UnsupportedImage)
    assert (second.label, second.verdict) == ("4", "number")
    assert third is too_large
    assert isinstance(fourth, BlankImage)


def test_read_many_out_of_time(recogniser, four_png):
    (result,) = recogniser.read_many([four_png], deadline=1e-9)

    assert type(result).__name__ == "OutOfTime"


def test_read_joins_lines_by_line_feeds(recogniser):
    page = draw_digit(4, 300, margin=0.3)
    page.paste(draw_digit(4, 100), (100, 0))
    page.paste(draw_digit(4, 100), (100, 200))

    (result,) = recogniser.read_many([encode(page)])

    assert result.label == "4\n4\n4"
    assert result.confidence == min(line.confidence for line in result.lines)


def test_small_lines_are_read_again_at_a_higher_resolution(recogniser):
    photo = draw_digit(4, 2400, margin=0.485)

    (result,) = recogniser.read_many([encode(photo)])

    (line,) = result.lines
    assert line.number == "4"
    # 3 % of 2,400 pixels.
    assert line.box.height == pytest.approx(80, abs=12)
    assert line.box.x == pytest.approx(1170, abs=12)
    assert np.count_nonzero(line.strip[:, 8:-8] > 0.9) > 20


def test_image_without_a_number_is_no_number(classifier, four_png):
    recogniser = NumberRecogniser(FakeNetwork("?"), classifier)

    (result,) = recogniser.read_many([four_png])

    assert json.loads(recogniser.encode(result, details=False)) == {
        "number": "",
        "verdict": "no_number",
        "confidence": "0.0000",
        "lines": [
            {
                "number": "",
                "verdict": "no_number",
                "confidence": "0.0000",
                "box": list(result.lines[0].box),
                "digits": [],
            }
        ],
        "success": True,
    }


def test_receipt_replays_the_strip(recogniser, network, four_png):
    (result,) = recogniser.read_many([four_png])
    receipt = json.loads(recogniser.encode(result, details=True))["details"]["receipt"]

    (strip,) = receipt["strips"]
    values = np.frombuffer(base64.b64decode(strip["tensor"]), "<f4")
    np.testing.assert_array_equal(values.reshape(32, strip["width"]), result.lines[0].strip)
    assert receipt["model_sha256"] == network.sha256


def test_expecting_a_length_leaves_the_recogniser_unchanged(recogniser, four_png):
    other = recogniser.expecting(Lengths(2, 2))

    assert other.read_many([four_png])[0].lengths == (2, 2)
    assert recogniser.read_many([four_png])[0].lengths is None


def test_setup_reads_its_samples(network, classifier, tmp_path):
    path = tmp_path / "blank.png"
    path.write_bytes(encode(draw_digit(4, ink=(255, 255, 255))))
    network.is_ready = False

    with pytest.raises(BlankImage):
        NumberRecogniser(network, classifier, [path]).setup()
    assert network.is_ready


@pytest.mark.parametrize(("text", "expected"), [("44", True), ("4", False), ("?", False)])
def test_shows_several(classifier, text, expected):
    recogniser = NumberRecogniser(FakeNetwork(text, 0.999), classifier)

    assert recogniser.shows_several(encode(draw_number(text.replace("?", "8")))) is expected
    assert not recogniser.shows_several(b"x")
