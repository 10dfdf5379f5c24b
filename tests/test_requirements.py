"""pyproject.toml, both requirement files and the conda environment agree."""

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.serving import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SERVICE = PROJECT["project"]["dependencies"]
DEVELOPMENT = [line for group in PROJECT["dependency-groups"].values() for line in group]


def pins(name):
    """Return {(package, version): hashes} of a requirement file; every version must be exact."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            requirement, *hashes = re.split(r"\s--hash=", line)
            package, version = re.fullmatch(
                r"([\w.-]+)==(\S+)(?: ;.*)?", requirement.strip()
            ).groups()
            found[canonicalize_name(package), version] = {value.strip() for value in hashes}
    return found


@pytest.fixture(scope="module")
def service():
    return pins("requirements.txt")


@pytest.fixture(scope="module")
def development():
    return pins("requirements-dev.txt")


def test_requirements_are_hashed(service, development):
    for hashes in [*service.values(), *development.values()]:
        assert hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes)


def test_development_requirements_include_the_service_versions(service, development):
    assert service.items() <= development.items()


@pytest.mark.parametrize("line", SERVICE)
def test_requirements_satisfy_the_project(service, line):
    assert_fulfilled(Requirement(line), service)


@pytest.mark.parametrize("line", DEVELOPMENT)
def test_development_requirements_satisfy_the_project(development, line):
    assert_fulfilled(Requirement(line), development)


def assert_fulfilled(requirement, found):
    name = canonicalize_name(requirement.name)
    versions = [version for package, version in found if package == name]
    assert any(requirement.specifier.contains(version) for version in versions)


def test_requirements_without_tensorflow(service):
    packages = {package for package, _ in service}

    assert not packages & {"tensorflow", "torch", "jax", "matplotlib", "jupyterlab", "pytest"}


def test_conda_environment_installs_both_files():
    environment = yaml.safe_load((ROOT / "dlflask36.yaml").read_text(encoding="utf-8"))
    python, *_, from_pip = environment["dependencies"]

    assert environment["name"] == "dlflask36"
    assert from_pip["pip"] == ["-r requirements.txt", "-r requirements-dev.txt"]
    version = Version(python.removeprefix("python="))
    assert version in SpecifierSet(PROJECT["project"]["requires-python"])
