"""Development images are read from folders as an evaluation reads them."""

import numpy as np
from PIL import Image

from dlflask.digits.normalization import read_tensor
from dlflask.evaluate.dataset import find_digits, find_non_digits
from dlflask.train.calibration.images import read_images
from tests.conftest import encode


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_read_images_of_digits(tmp_path, four_png):
    blank = encode(Image.new("L", (40, 40), "white"))
    write(tmp_path / "phone" / "4" / "a.png", four_png)
    write(tmp_path / "phone" / "4" / "blank.png", blank)
    write(tmp_path / "scanner" / "page" / "7" / "b.png", four_png)

    found = read_images(find_digits(tmp_path).images)

    assert found.sources.tolist() == ["phone", "scanner"]
    assert found.labels.tolist() == [4, 7]
    assert found.refused == {"phone": 1}
    np.testing.assert_array_equal(found.tensors[0], read_tensor(four_png))


def test_read_images_without_labels(tmp_path, four_png):
    write(tmp_path / "letters" / "a.png", four_png)

    found = read_images(find_non_digits(tmp_path))

    assert found.labels.tolist() == [-1]
    assert found.tensors.shape == (1, 28, 28)


def test_read_images_that_are_all_refused(tmp_path):
    write(tmp_path / "other" / "a.png", b"text")

    found = read_images(find_non_digits(tmp_path))

    assert found.tensors.shape == (0, 28, 28)
    assert found.refused == {"other": 1}
