"""Invariance of the prediction to position, scale, colours and file format."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageChops

from dlflask.config import Config
from dlflask.digits.classifier import Classifier
from dlflask.digits.normalization import read_tensor
from dlflask.train.data import MNIST_VARIABLE, load_mnist
from tests.conftest import encode
from tests.drawing import STORED_AS
from tests.serving import ROOT

MNIST = Path(
    os.environ.get(MNIST_VARIABLE, ROOT.parent / "shared" / "data" / "mnist" / "mnist.npz")
)
NUM_DIGITS = 500
#: Size of the digit in pixels: four times MNIST's, as in a small photo.
SIDE = 112
LEAST = 0.995


def paper(digit, side=SIDE, *, place=(0.5, 0.5), canvas=2.0):
    """Draw black ink on a white square that is `canvas` times as large as the digit, at `place`."""
    ink = digit.resize((side, side), Image.Resampling.BICUBIC)
    size = round(side * canvas)
    sheet = Image.new("L", (size, size), 255)
    room = size - side
    sheet.paste(ImageChops.invert(ink), (round(room * place[0]), round(room * place[1])))
    return sheet


def turned(digit, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    buffer = io.BytesIO()
    paper(digit).transpose(STORED_AS[orientation]).save(buffer, "PNG", exif=exif)
    return buffer.getvalue()


def transparent(digit):
    sheet = paper(digit)
    picture = Image.new("RGBA", sheet.size, (0, 0, 0, 0))
    picture.putalpha(ImageChops.invert(sheet))
    return encode(picture)


SHOWN = {
    **{
        f"shifted-{x}-{y}": lambda digit, place=(x, y): encode(paper(digit, place=place))
        for x, y in ((0, 0), (1, 0), (0.2, 1), (1, 1))
    },
    **{
        f"scaled-{scale}": lambda digit, scale=scale: encode(paper(digit, round(SIDE * scale)))
        for scale in (0.3, 0.5, 0.75, 1.5, 2, 3)
    },
    "inverted": lambda digit: encode(ImageChops.invert(paper(digit))),
    **{
        f"exif-{orientation}": lambda digit, orientation=orientation: turned(digit, orientation)
        for orientation in range(2, 9)
    },
    "transparent": transparent,
    "jpeg-60": lambda digit: encode(paper(digit), "JPEG", quality=60),
}


@pytest.fixture(scope="module")
def digits():
    if not MNIST.is_file():
        pytest.skip(f"{MNIST_VARIABLE} names no mnist.npz, and there is none beside the project")
    return [Image.fromarray(digit) for digit in load_mnist(MNIST).x_validation[:NUM_DIGITS]]


@pytest.fixture(scope="module")
def read():
    classifier = Classifier(Config().model_path)

    def read(pictures):
        tensors = [read_tensor(picture) for picture in pictures]
        return np.array([prediction.label for prediction in classifier.predict_many(tensors)])

    return read


@pytest.fixture(scope="module")
def plainly(digits, read):
    return read([encode(paper(digit)) for digit in digits])


@pytest.mark.parametrize("show", SHOWN.values(), ids=SHOWN)
def test_prediction_is_invariant(digits, read, plainly, show, request):
    again = read([show(digit) for digit in digits])

    same = float(np.mean(again == plainly))
    request.getfixturevalue("figures").append(
        f"{request.node.callspec.id}: {same:.2%} of {len(digits)} answered the same"
    )
    assert same >= LEAST
