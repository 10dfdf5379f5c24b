import re

import pytest

from tests.readme import README, commands, filled_in
from tests.serving import ROOT

#: Where each command of the README is run, for those that are not `curl`: a file and what it holds.
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
    "python -m bench --soak 120": ("tests/model/test_bench.py", "--soak"),
    "make lint": (".ci/run", "make lint"),
    # It asks the network, which CI may not have: the target is looked at, not run.
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
    "docker swarm init": ("tests/e2e/test_swarm.py", '"swarm", "init"'),
    "docker stack deploy -c docker-compose.yml -c deploy/swarm/stack.yml digits": (
        "tests/e2e/test_swarm.py",
        '"-c", "docker-compose.yml", "-c", "deploy/swarm/stack.yml"',
    ),
    # No cluster is reachable in CI: what it would apply is what these tests validate.
    "kubectl apply -k deploy/kubernetes/overlays/local": (
        "tests/test_kubernetes.py",
        "overlays/local",
    ),
    "python -m dlflask predict static/4.jpg": ("tests/model/test_readme.py", "dlflask predict"),
    "python -m dlflask serve --port 8080": ("tests/model/test_cli.py", '"serve", "--port"'),
    "make lock": ("tests/e2e/test_clone.py", '"lock"'),
    "make screenshot": ("tests/e2e/test_looks.py", "screenshot"),
    # No conda channel is reachable in CI: what it would install is what these tests hold together.
    "conda env create -f dlflask36.yaml": ("tests/test_requirements.py", "dlflask36.yaml"),
}


@pytest.mark.parametrize("command", [command for command, _ in commands()])
def test_every_command_is_run_by_a_test(command):
    if command.startswith("curl "):
        path, evidence = "tests/model/test_readme.py", 'startswith("curl ")'
    else:
        path, evidence = RUN_BY[command]

    assert evidence in (ROOT / path).read_text(encoding="utf-8")


def test_the_tables_are_what_the_code_says():
    assert README.read_text(encoding="utf-8") == filled_in(), "run `python -m tests.readme`"


def test_every_file_that_is_linked_exists():
    text = README.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
