"""The documentation agrees with the project: commands, tables, links, paths."""

import re

import h5py
import pytest

from tests.inference.old_models import MAKERS
from tests.readme import PAGES, commands, filled_in, read, tables
from tests.serving import ROOT

#: All pages whose links and paths are checked.
LINKED = [
    *PAGES,
    *(ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted(ROOT.glob("deploy/**/README.md")),
]

#: The test that runs each command except `curl`: a file and a part of its text.
RUN_BY = {
    "make run": ("tests/e2e/test_clone.py", '"make", "run"'),
    "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt": (
        "tests/e2e/test_clone.py",
        "pip install -r requirements.txt",
    ),
    ".venv/bin/gunicorn server:app": ("tests/e2e/test_clone.py", ".venv/bin/gunicorn server:app"),
    "docker-compose up": ("tests/e2e/conftest.py", '"up", "-d"'),
    "make quick": ("tests/test_makefile.py", '"quick"'),
    "make bench": ("tests/model/test_bench.py", '"bench"'),
    "python -m bench --rounds 1 --seconds 1": ("tests/model/test_bench.py", "--seconds 1"),
    # These two need the network: one test checks the labels, another that the list is complete.
    "git clone --depth 1 https://github.com/domagojlatecki/handwritten-number-dataset "
    "build/latecki": ("tests/bench/numbers/test_command.py", "LABELS"),
    "python3 -m venv .venv-peers && .venv-peers/bin/pip install --no-deps "
    "-r bench/requirements-peers.txt": (
        "tests/bench/numbers/test_command.py",
        "requirements-peers.txt",
    ),
    "(cd build/latecki && for f in images/*/train/*; do n=${f##*/}; "
    """printf '%s\\t%s\\n' "$f" "${n%%-*}"; done >labels.tsv)""": (
        "tests/bench/numbers/test_command.py",
        "done >labels.tsv",
    ),
    ".venv-dev/bin/python -m bench numbers build/latecki --service-python "
    ".venv/bin/python --peers-python .venv-peers/bin/python --output bench": (
        "tests/bench/numbers/test_command.py",
        '["numbers", ',
    ),
    "make lint": (".ci/run", "make lint"),
    # It needs the network, which CI may not have: only the target's existence is tested.
    "make audit": ("tests/test_makefile.py", '"audit"'),
    "make test": (".ci/run", "make test"),
    "make e2e": (".ci/run", "make e2e"),
    "make fuzz": ("tests/test_fuzz.py", '"tests.fuzz"'),
    "make help": ("tests/test_makefile.py", '"help"'),
    "make train": ("tests/train/test_main.py", "dlflask.train"),
    "make notebook": ("tests/test_notebook.py", "SCRIPT"),
    "python -m dlflask.evaluate pictures/ --non-digits others/ --output report/": (
        "tests/model/test_evaluate.py",
        "dlflask.evaluate",
    ),
    "make image": ("tests/e2e/test_image.py", '"make", "image"'),
    "make openapi": ("tests/web/test_openapi.py", "openapi.convert()"),
    "make sbom": ("tests/test_sbom.py", '"make", "sbom"'),
    "docker compose up -d --scale api=4": ("tests/e2e/test_scale.py", '"--scale"'),
    "docker compose up -d --build": ("tests/e2e/conftest.py", 'self.run("build")'),
    "docker compose exec nginx nginx -s reload": (
        "tests/e2e/hardening/test_api_keys.py",
        '"exec", "-T", "nginx", "nginx", "-s", "reload"',
    ),
    "docker-compose -f docker-compose.yml -f docker-compose.override.yml -f nginx/tls.yml up": (
        "tests/e2e/hardening/conftest.py",
        '"nginx/tls.yml"',
    ),
    "docker-compose -f docker-compose.yml -f docker-compose.override.yml "
    "-f nginx/api-keys.yml up": ("tests/e2e/hardening/conftest.py", '"nginx/api-keys.yml"'),
    "python -m dlflask.train --fast": ("tests/train/test_main.py", '"--fast"'),
    "python -m dlflask.train numbers": ("tests/train/numbers/test_trainer.py", '"numbers"'),
    "python -m dlflask.train numbers --fast": (
        "tests/train/numbers/test_trainer.py",
        '"--fast"',
    ),
    "docker swarm init": ("tests/e2e/test_swarm.py", '"swarm", "init"'),
    "docker stack deploy -c docker-compose.yml -c deploy/swarm/stack.yml digits": (
        "tests/e2e/test_swarm.py",
        '"-c", "docker-compose.yml", "-c", "deploy/swarm/stack.yml"',
    ),
    # CI does not reach a cluster: these tests validate the manifests.
    "kubectl apply -k deploy/kubernetes/overlays/local": (
        "tests/test_kubernetes.py",
        "overlays/local",
    ),
    ".venv/bin/python -m dlflask predict static/4.jpg": (
        "tests/model/test_readme.py",
        "dlflask predict",
    ),
    ".venv/bin/python -m dlflask check mnist_model.h5": (
        "tests/model/test_cli.py",
        'run("check")',
    ),
    "docker-compose run --rm api python -m dlflask check": (
        "tests/e2e/test_own_model.py",
        '"run", "--rm", "api", "python", "-m", "dlflask", "check"',
    ),
    "docker-compose restart api": ("tests/e2e/test_own_model.py", '"restart", "api"'),
    ".venv/bin/python -m dlflask serve --port 8080": (
        "tests/model/test_cli.py",
        '"serve", "--port"',
    ),
    "make lock": ("tests/e2e/test_clone.py", '"lock"'),
    "make screenshot": ("tests/e2e/test_responsive_layout.py", "screenshot"),
    # CI does not reach a conda channel: these tests check the file.
    "conda env create -f dlflask36.yaml": ("tests/test_requirements.py", "dlflask36.yaml"),
}


NAMED = pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))


@pytest.mark.parametrize("command", sorted({command for command, _ in commands()}))
def test_command_is_run_by_a_test(command):
    if command.startswith("curl "):
        path, evidence = "tests/model/test_readme.py", 'startswith("curl ")'
    else:
        path, evidence = RUN_BY[command]

    assert evidence in (ROOT / path).read_text(encoding="utf-8")


def test_run_by_names_documented_commands_only():
    assert set(RUN_BY) <= {command for command, _ in commands()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tables_are_those_of_the_code(page):
    assert read(page) == filled_in(page), "run `python -m tests.readme`"


@pytest.mark.parametrize("name", tables())
def test_table_is_in_one_page(name):
    assert sum(read(page).count(f"<!-- {name} -->") for page in PAGES) == 1


@NAMED
def test_links_lead_somewhere(page):
    broken = []
    for link in re.findall(r"\]\(([^)]+)\)", read(page)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


def anchors(page):
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"(?m)^#+ (.*)$", re.sub(r"(?s)```.*?```", "", read(page)))
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


@NAMED
def test_paths_that_are_named_exist(page):
    folders = r"(?:bench|deploy|dlflask|docs|nginx|notebooks|static|templates|tests|\.github)/"
    named = re.findall(rf"`({folders}[\w./-]+)`", read(page))

    assert [path for path in named if not (ROOT / path).exists()] == []


def test_readme_links_every_page():
    assert [page.name for page in PAGES[1:] if f"(docs/{page.name})" not in read(PAGES[0])] == []


def test_versions_that_were_tried_are_those_of_the_tests(tmp_path):
    text = read(ROOT / "docs" / "bring-your-own-model.md").partition("## Versions")[2]
    rows = re.findall(r"(?m)^\| (\d\S+) \| .* \| `(\S+)` \|$", text)
    described = {name: version for version, name in rows if "/" not in name}

    found = {}
    for name, make in MAKERS.items():
        with h5py.File(make(tmp_path / f"{name}.h5")) as file:
            found[name] = file.attrs["keras_version"]

    assert described == found


def test_architecture_names_every_package():
    text = read(ROOT / "docs" / "architecture.md")
    files = [path for path in (ROOT / "dlflask").iterdir() if not path.name.startswith("__")]
    names = [f"{path.name}/" if path.is_dir() else path.name for path in files]

    assert [name for name in names if f"`{name}`" not in text] == []


def test_details_are_described(client, four_png):
    answer = client.post("/predictlabel?details=1", data=four_png, content_type="image/png")
    details = answer.json["details"]

    section = read(ROOT / "docs" / "api.md").partition("## Details\n")[2].partition("\n## ")[0]
    described = re.findall(r"(?m)^\| `(\w+)` \|", section)
    assert sorted(described) == sorted([*details, *details["receipt"]])
