"""Fixtures with a small material for fields."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from dlflask.train.numbers.fields.font_files import printed_fonts
from dlflask.train.numbers.fields.material import Source, make_material, save_material


@pytest.fixture(scope="session")
def executor():
    with ThreadPoolExecutor(1) as threads:
        yield threads


@pytest.fixture(scope="session")
def source(digits):
    images, labels = digits
    return Source(images[:300], labels[:300], printed_fonts()[:2])


@pytest.fixture(scope="session")
def material(source, executor):
    return make_material(source, 1, executor, size=200)


@pytest.fixture(scope="session")
def material_folder(material, tmp_path_factory):
    folder = tmp_path_factory.mktemp("material")
    save_material(material, folder)
    return folder
