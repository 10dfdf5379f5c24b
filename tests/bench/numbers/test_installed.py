from importlib.metadata import distribution

import pytest

from bench.numbers.installed import size_of_distributions, size_of_program, size_of_project


def test_size_of_distributions_counts_what_they_need_once():
    flask = size_of_distributions("Flask")

    own = sum(file.locate().stat().st_size for file in distribution("flask").files if file.size)
    assert flask > own + size_of_distributions("jinja2")
    assert size_of_distributions("flask", "werkzeug", "jinja2") == flask
    assert size_of_distributions("a-package-that-is-not-installed") == 0


@pytest.mark.slow
def test_size_of_project_includes_models_and_packages():
    assert size_of_project() > size_of_distributions("numpy", "pillow", "scipy")


def test_size_of_program_includes_language_data(program, tmp_path):
    data = tmp_path / "tessdata"
    data.mkdir()
    (data / "eng.traineddata").write_bytes(bytes(1_000_000))

    size = size_of_program(str(program), f'List of available languages in "{data}" (1):\neng\n')

    assert size == 1_000_000 + program.stat().st_size
