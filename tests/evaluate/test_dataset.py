import io

import numpy as np
import pytest
from PIL import Image

from dlflask.digits.normalization import read_tensor
from dlflask.evaluate.dataset import encode_png, find_digits, find_non_digits


def test_find_digits_with_sources(folder):
    found = find_digits(folder)

    assert len(found.images) == 22
    assert found.without_label == ["README.txt"]
    assert {image.source for image in found.images} == {"pen", "chalk"}
    first = found.images[0]
    assert (first.name, first.source, first.label) == ("chalk/0/a.png", "chalk", "0")


def test_find_digits_without_sources(folder):
    found = find_digits(folder / "pen")

    assert {image.source for image in found.images} == {"pen"}
    assert sorted({image.label for image in found.images}) == list("0123456789")


@pytest.mark.parametrize("names", [("x", "y"), ("x_test", "y_test")], ids="-".join)
def test_find_digits_npz_is_bit_exact(tmp_path, placed_digit, names):
    images = np.stack([placed_digit, placed_digit[:, ::-1]])
    extra = {"x_train": images[:0], "y_train": np.zeros(0, np.uint8)}
    arrays = dict(zip(names, (images, np.array([1, 7], np.uint8)), strict=True))
    np.savez(tmp_path / "set.npz", **arrays, **extra)

    found = find_digits(tmp_path / "set.npz").images

    assert [(p.name, p.source, p.label) for p in found] == [
        ("set/0", "set", "1"),
        ("set/1", "set", "7"),
    ]
    tensor = read_tensor(found[0].load())
    assert np.array_equal(tensor, placed_digit / np.float32(255))


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 1), (9, 7, 3)], ids=str)
def test_encode_png_is_lossless(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)

    with Image.open(io.BytesIO(encode_png(image))) as decoded:
        assert np.array_equal(np.asarray(decoded), image.squeeze())


def test_source_is_the_first_folder(tmp_path):
    """A source may have folders below it, and a folder of two digits is a source, not a label."""
    for name in ("pen/set/4/a.png", "42/7/b.png", "3/c.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "42" / "d.png").write_bytes(b"")

    digits = find_digits(tmp_path)
    others = find_non_digits(tmp_path)

    whole = tmp_path.name
    assert [(i.name, i.source, i.label) for i in digits.images] == [
        ("3/c.png", whole, "3"),
        ("42/7/b.png", "42", "7"),
        ("pen/set/4/a.png", "pen", "4"),
    ]
    assert digits.without_label == ["42/d.png"]
    assert [i.source for i in others] == [whole, "42", "42", "pen"]
