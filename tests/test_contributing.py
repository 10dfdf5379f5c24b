"""Workflows, hooks, templates and guide for contributors match the project."""

import re
import tomllib

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from tests.readme import PAGES
from tests.serving import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.search(r"(?m)^\.PHONY: (.*)$", MAKEFILE)[1].split())
GITHUB = sorted([*ROOT.glob(".github/**/*.yml"), ROOT / ".pre-commit-config.yaml"])
WORKFLOWS = sorted(ROOT.glob(".github/workflows/*.yml"))


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def supported_pythons():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    supported = SpecifierSet(project["project"]["requires-python"])
    return [f"3.{minor}" for minor in range(30) if f"3.{minor}" in supported]


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.name)
def test_yaml_is_a_mapping(path):
    assert isinstance(read(path), dict)


@pytest.mark.parametrize("job", ["lint", "test"])
def test_ci_runs_every_supported_python_on_linux_and_macos(job):
    matrix = read(ROOT / ".github/workflows/ci.yml")["jobs"][job]["strategy"]["matrix"]

    assert matrix["python"] == supported_pythons()
    assert matrix["os"] == ["ubuntu-latest", "macos-latest"]


def test_makefile_accepts_the_supported_pythons():
    first, last = re.search(r"not \((3, \d+)\) <= .* <= \((3, \d+)\)", MAKEFILE).groups()
    supported = supported_pythons()

    assert [first.replace(", ", "."), last.replace(", ", ".")] == [supported[0], supported[-1]]
    assert f"is not Python {', '.join(supported[:-1])} or {supported[-1]}" in MAKEFILE


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_pins_actions_and_permissions(path):
    workflow = read(path)
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    actions = [step["uses"] for step in steps if "uses" in step]

    assert actions
    assert all(re.fullmatch(r"[\w./-]+@(v\d+|[0-9a-f]{40})", action) for action in actions)
    assert workflow["permissions"] == {"contents": "read"}


@pytest.mark.parametrize(
    "path",
    [*WORKFLOWS, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *PAGES],
    ids=lambda path: path.name,
)
def test_every_make_target_that_is_named_exists(path):
    named = re.findall(r"(?:`|\$ |run: )make ([a-z][\w-]*)", path.read_text(encoding="utf-8"))

    assert set(named) <= TARGETS


def test_guide_names_the_targets_of_contributors():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

    for target in ("quick", "test", "e2e", "lint", "lock"):
        assert f"make {target}" in text


def test_hooks_run_the_tools_of_make_lint():
    (repository,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    entries = {hook["entry"].removeprefix(".venv-dev/bin/") for hook in repository["hooks"]}
    lint = MAKEFILE.partition("\nlint:")[2].partition("\n\n")[0]

    tools = set(re.findall(r"\$\(DEV\)/bin/([\w-]+)", lint))
    assert {entry.split()[0] for entry in entries} == tools - {"lint-imports"}
