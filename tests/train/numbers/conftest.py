"""Fixtures with a small material for fields."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from dlflask.train.numbers.fields.font_files import printed_fonts
from dlflask.train.numbers.fields.material import Source, make_material, save_material
from dlflask.train.synthesis.stroke_drawing import parse
from dlflask.train.synthesis.unipen import Writer


@pytest.fixture(scope="session")
def executor():
    with ThreadPoolExecutor(1) as threads:
        yield threads


@pytest.fixture(scope="session")
def source(digits):
    images, labels = digits
    # The first writer wrote only a 1 and a 7, the second one two of each digit.
    writers = [
        Writer([parse("50,0 50,100"), parse("0,0 80,0 30,100")], [1, 7]),
        Writer([parse(f"{10 + digit},0 50,100") for digit in range(20)], [*range(10), *range(10)]),
    ]
    return Source(images[:300], labels[:300], printed_fonts()[:2], writers)


@pytest.fixture(scope="session")
def material(source, executor):
    return make_material(source, 1, executor, size=200)


@pytest.fixture(scope="session")
def material_folder(material, tmp_path_factory):
    folder = tmp_path_factory.mktemp("material")
    save_material(material, folder)
    return folder
