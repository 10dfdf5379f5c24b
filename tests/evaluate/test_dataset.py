import io

import numpy as np
import pytest
from PIL import Image

from dlflask.digits.normalization import read_tensor
from dlflask.evaluate.dataset import encode_png, find_digits


def test_pictures_have_the_label_and_the_source_of_their_folders(folder):
    found = find_digits(folder)

    assert len(found.pictures) == 22
    assert found.unlabelled == ["README.txt"]
    assert {picture.source for picture in found.pictures} == {"pen", "chalk"}
    first = found.pictures[0]
    assert (first.name, first.source, first.label) == ("chalk/0/a.png", "chalk", 0)


def test_a_folder_of_labels_is_one_source(folder):
    found = find_digits(folder / "pen")

    assert {picture.source for picture in found.pictures} == {"pen"}
    assert sorted({picture.label for picture in found.pictures}) == list(range(10))


@pytest.mark.parametrize("names", [("x", "y"), ("x_test", "y_test")], ids="-".join)
def test_arrays_are_read_as_png_bit_for_bit(tmp_path, placed_digit, names):
    images = np.stack([placed_digit, placed_digit[:, ::-1]])
    extra = {"x_train": images[:0], "y_train": np.zeros(0, np.uint8)}
    arrays = dict(zip(names, (images, np.array([1, 7], np.uint8)), strict=True))
    np.savez(tmp_path / "set.npz", **arrays, **extra)

    found = find_digits(tmp_path / "set.npz").pictures

    assert [(p.name, p.source, p.label) for p in found] == [
        ("set/0", "set", 1),
        ("set/1", "set", 7),
    ]
    tensor = read_tensor(found[0].load())
    assert np.array_equal(tensor, placed_digit / np.float32(255))


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 1), (9, 7, 3)], ids=str)
def test_an_encoded_array_decodes_to_itself(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)

    with Image.open(io.BytesIO(encode_png(image))) as picture:
        assert np.array_equal(np.asarray(picture), image.squeeze())
