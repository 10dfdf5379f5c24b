"""Data flows one way: each module imports only what lies behind it on the line of data."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "dlflask"

ALLOWED = {
    "__init__": set(),
    "errors": set(),
    "config": {"errors"},
    "verdict": {"errors"},
    "prediction": {"verdict"},
    "form": set(),
    "embedded": {"errors"},
    "upload": {"embedded", "errors"},
    "resample": set(),
    "paper": {"resample"},
    "ink": {"errors", "paper", "resample"},
    "modes": {"ink", "turns"},
    "limits": set(),
    "metadata": {"limits", "metadata"},
    "cost": {"errors", "limits", "metadata"},
    "pieces": {"errors", "limits"},
    "large_images": {"errors"},
    "plain": set(),
    "turns": set(),
    "image": {
        *("cost", "errors", "ink", "large_images", "limits", "metadata", "modes", "pieces"),
        *("plain", "strokes", "turns"),
    },
    "lines": {"ink"},
    "strokes": {"errors", "ink", "lines"},
    "preprocess": {"errors", "ink", "resample", "strokes"},
    "model_file": {"verdict"},
    "explain": set(),
    "layout": set(),
    "forward": {"layout"},
    "classifier": {"errors", "explain", "forward", "model_file", "prediction", "verdict"},
    "receipt": {"__init__", "preprocess"},
    "reading": {"image", "prediction", "preprocess", "receipt"},
    "batch": {"errors", "image", "ink", "preprocess", "reading"},
    "tensors": {"embedded", "errors"},
    "infer_request": {"embedded", "errors", "tensors"},
    "v2": {
        *("__init__", "batch", "errors", "infer_request", "prediction", "preprocess"),
        *("reading", "service", "tensors", "upload"),
    },
    "wording": {"prediction"},
    "body": set(),
    "environ": set(),
    "problems": {"body", "environ", "errors"},
    "metrics": {"prediction", "problems", "verdict"},
    "envelope": {"environ", "metrics"},
    "exposition": {"errors", "metrics", "problems", "verdict"},
    "admission": {"errors"},
    "readiness": {"errors", "reading"},
    "logs": set(),
    "worker": set(),
    "service": {"admission", "config", "metrics", "readiness", "reading"},
    "shortcut": {"environ", "service", "upload"},
    "routes": {
        *("__init__", "batch", "errors", "exposition", "problems", "reading", "service"),
        "upload",
    },
    "openapi": {
        *("__init__", "config", "errors", "image", "infer_request", "openapi", "problems"),
        *("tensors", "upload", "verdict"),
    },
    "reference": {"openapi", "service"},
    "app": {
        *(
            "__init__",
            "admission",
            "body",
            "config",
            "envelope",
            "environ",
            "form",
            "metrics",
            "preprocess",
        ),
        *("problems", "readiness", "reading", "reference", "routes", "service", "shortcut"),
        *("v2", "wording"),
    },
    "evaluate": {
        *("classifier", "config", "errors", "evaluate"),
        *("image", "prediction", "preprocess", "verdict"),
    },
    "command": {
        *("batch", "classifier", "command", "config", "errors", "evaluate", "upload", "verdict"),
        "wording",
    },
    "__main__": {"command", "config", "errors"},
    "train": {
        *("classifier", "errors", "evaluate", "image", "ink", "model_file"),
        *("preprocess", "strokes", "train", "verdict"),
    },
}

#: The benchmark, of which the service knows nothing; `dlflask.` marks what it takes of that.
BENCH = {
    "__init__": set(),
    "pictures": set(),
    "floor": {"dlflask.prediction"},
    "floor_gunicorn": {"dlflask.config"},
    "original": {"dlflask.config"},
    "original_gunicorn": set(),
    "machine": {"dlflask.config"},
    "memory": set(),
    "load": {"machine", "pictures"},
    "open_loop": {"load", "pictures"},
    "servers": {"machine", "pictures", "dlflask.config"},
    "nginx": {"pictures", "servers", "dlflask.config"},
    "results": {"load"},
    "plan": {"pictures", "results", "servers"},
    "report": {"load", "plan", "results"},
    "plot": {"plan", "results"},
    "measure": {"load", "memory", "open_loop", "pictures", "plan", "results", "servers"},
    "soak": {"load", "measure", "memory", "pictures", "plan", "servers"},
    "stages": {"pictures", "dlflask.service"},
    "run": {
        "load",
        "machine",
        "measure",
        "nginx",
        "pictures",
        "plan",
        "results",
        "servers",
        "soak",
    },
    "__main__": {
        *("load", "pictures", "plan", "plot", "report", "run", "servers", "stages"),
        *("dlflask.app", "dlflask.classifier", "dlflask.config"),
    },
}

#: Slow to import, or known to one place only.
OWNERS = {
    "PIL": {"cost", "evaluate", "image", "modes", "plain", "train", "turns"},
    "flask": {"app", "form", "problems", "reference", "routes", "service", "upload", "v2"},
    "gunicorn": {"body", "logs", "worker"},
    "keras": {"forward", "layout", "train"},
    "multipart": {"form"},
    "openvino": {"forward"},
    "prometheus_client": {"exposition"},
    "tensorflow": set(),
}


#: Of deploy/capacity, which runs the service as a stranger does and imports nothing of it.
CAPACITY = {
    "__init__": set(),
    "__main__": {"measure", "queueing"},
    "measure": {"openloop", "queueing"},
    "openloop": set(),
    "queueing": set(),
}


def module_name(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            if node.module in ("dlflask", "bench"):
                for alias in node.names:
                    inside = "__init__" if alias.name == "__version__" else alias.name
                    yield f"{node.module}.{inside}"
            else:
                yield node.module


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_a_module_imports_only_what_lies_behind_it(path):
    name = module_name(path)

    for imported in imports(path):
        top, _, rest = imported.partition(".")
        if top == "dlflask":
            assert rest.split(".")[0] in ALLOWED[name], f"{name} imports {imported}"
        assert top not in OWNERS or name in OWNERS[top], f"{name} imports {imported}"
        assert top != "bench", "the service does not know the benchmark"


@pytest.mark.parametrize(
    "path", sorted((PACKAGE.parent / "deploy").rglob("*/*.py")), ids=lambda path: path.stem
)
def test_planning_knows_the_service_by_http_only(path):
    own = {
        name.removeprefix("deploy.capacity.")
        for name in imports(path)
        if name.startswith(("deploy", "dlflask", "keras", "openvino", "flask"))
    }

    assert own <= CAPACITY[path.stem]


@pytest.mark.parametrize("path", sorted((ROOT / "bench").glob("*.py")), ids=lambda path: path.stem)
def test_a_module_of_the_benchmark_imports_only_what_lies_behind_it(path):
    found = {
        imported.removeprefix("bench.")
        for imported in imports(path)
        if imported.startswith(("bench.", "dlflask."))
    }

    assert found <= BENCH[path.stem]


@pytest.mark.parametrize("allowed", [ALLOWED, BENCH], ids=["service", "benchmark"])
def test_the_directions_have_no_circle(allowed):
    done = set()
    waiting = {
        name: {each for each in needs if "." not in each} - {name}
        for name, needs in allowed.items()
    }
    while waiting:
        free = {name for name, needs in waiting.items() if needs <= done}
        assert free, f"a circle among {sorted(waiting)}"
        done |= free
        waiting = {name: needs for name, needs in waiting.items() if name not in free}


def test_the_server_only_joins():
    source = PACKAGE.parent / "server.py"

    assert len(source.read_text(encoding="utf-8").splitlines()) <= 25
