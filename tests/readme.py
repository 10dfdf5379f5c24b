"""Read the documentation: its commands with their output, and its generated tables.

`python -m tests.readme` writes the tables anew, `python -m tests.readme PORT` also the output of
every curl command, from the service at that port.
"""

import re
import shlex
import subprocess
import sys
from dataclasses import fields
from functools import cache

import yaml

from bench.numbers import table as number_readers
from dlflask import __version__
from dlflask.config import PREFIX, Config
from dlflask.evaluate.metrics import rate
from dlflask.metrics.prometheus import render
from dlflask.metrics.slots import Metrics
from dlflask.problem_types import PROBLEMS, problem_type
from dlflask.train.model_card import ModelCard
from dlflask.train.numbers.model_card import NumberCard
from tests.serving import ROOT

README = ROOT / "README.md"
PAGES = [README, *sorted(ROOT.glob("docs/*.md"))]

#: The address in the examples.
ADDRESS = "127.0.0.1:8000"

_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
_COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


def read(page):
    """Return the text of a page."""
    return page.read_text(encoding="utf-8")


def commands(pages=PAGES):
    """Yield (command, output) of every line that begins with `$ ` in a console block."""
    for page in pages:
        for block in _BLOCK.findall(read(page)):
            yield from _COMMAND.findall(block)


def example(language):
    """Return the only block of `language` in all pages."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", "".join(map(read, PAGES)), re.DOTALL)
    return block


def run_curl(command, port):
    """Return what a curl command of the documentation prints for the service at `port`."""
    here = command.replace(ADDRESS, f"127.0.0.1:{port}")
    done = subprocess.run(
        [*shlex.split(here), "--silent"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
        timeout=30,
    )
    return done.stdout


def tables():
    """Return the Markdown between each pair of markers, as the code has it now."""
    card = ModelCard.read(ROOT / "mnist_model.json")
    return {
        "accuracy": _accuracy(card),
        "problems": _table(
            "status | title | type",
            (
                f"{int(status)} | {title} | `{problem_type(error)}`"
                for error, (status, title) in PROBLEMS.items()
            ),
        ),
        "configuration": _table(
            "variable | default | Compose | meaning",
            (
                f"`{_variable(item)}` | `{_short(item.default)}` | {compose_use(_variable(item))} "
                f"| {item.metadata['help']}"
                for item in fields(Config)
            ),
        ),
        "metrics": _table("metric | type | meaning", _metrics()),
        "model-card": card.to_markdown(),
        "number-readers": _number_readers(),
        "number-card": NumberCard.read(ROOT / "number_model.json").to_markdown(),
    }


def compose_use(variable):
    """Return `yes` if Compose passes the variable on, `a mount` if it mounts a file, or `no`."""
    values = _compose_environment()
    if variable not in values:
        return "no"
    return "a mount" if str(values[variable]).startswith("/app/") else "yes"


@cache
def _compose_environment():
    """Return the environment variables of all services, by name."""
    values = {}
    for name in ("docker-compose.yml", "docker-compose.override.yml"):
        for service in yaml.safe_load(read(ROOT / name))["services"].values():
            values |= service.get("environment", {})
    return values


def filled_in(page):
    """Return the text of a page with its tables as they should be."""
    text = read(page)
    for name, table in tables().items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        if begin in text:
            before, rest = text.split(begin)
            _, after = rest.split(end)
            text = before + begin + table + end + after
    return text


def with_outputs(text, port):
    """Return `text` with the output of its curl commands as the service at `port` sends it."""

    def replace(found):
        is_curl = found[1].startswith("curl ")
        return f"$ {found[1]}\n{run_curl(found[1], port)}" if is_curl else found[0]

    return _BLOCK.sub(lambda block: _COMMAND.sub(replace, block[0]), text)


def _accuracy(card):
    sets = [("MNIST's test digits", card.test), ("photographs, scans, drawings", card.images)]
    rates = [
        (name, score, rate(round(score.accuracy * score.count), score.count))
        for name, score in sets
    ]
    rows = [
        f"{name} | {score.count:,} | {score.accuracy:.2%} | {shown.low:.2%} to {shown.high:.2%} "
        f"| {score.digit:.2%}"
        for name, score, shown in rates
    ]
    others = card.non_digits_called_digit
    rows += [
        f"without a digit: {name} | | | | {others[name]:.1%}" for name in others if others[name]
    ]
    heads = (
        "images | count of images | digits read correctly | 95 % interval of this share "
        "| images with the verdict `digit`"
    )
    return _table(heads, rows)


def _number_readers():
    """Return the table of the readers of numbers, and which are more accurate than dlflask."""
    _, rows = number_readers.read(ROOT / "bench" / "numbers.json")
    own, *others = (row for row in rows if row.right and row.reader != number_readers.SERVICE)
    better = [row.reader for row in others if row.right.rate > own.right.rate]
    equal = [row.reader for row in others if row.right.rate == own.right.rate]
    names = " and ".join(f'"{name}"' for name in better or equal)
    if better:
        result = f"dlflask reads a smaller share of the numbers correctly than {names}."
    elif equal:
        result = f"dlflask and {names} read the same share of the numbers correctly."
    else:
        result = "dlflask reads the largest share of the numbers correctly."
    read_all = [row for row in others if row.right.count == own.right.count]
    for row in read_all:
        if row.right != own.right and row.right.high >= own.right.low:
            result += f' The interval of "{row.reader}" overlaps, so the difference may be chance.'
    return f"{number_readers.readers_table(rows)}\n\n{result}\n"


def _metrics():
    text = render(Metrics(), __version__).decode()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    for name, meaning in re.findall(r"^# HELP (\S+) (.*)$", text, re.MULTILINE):
        yield f"`{name}` | {kinds[name]} | {meaning}"


def _table(head, rows):
    rule = "|".join("---" for _ in head.split("|"))
    lines = [f"| {head} |", f"|{rule}|", *(f"| {row} |" for row in rows)]
    return "\n".join(lines) + "\n"


def _variable(item):
    return PREFIX + item.name.upper()


def _short(default):
    if default == ():
        return "(empty)"
    return default.relative_to(ROOT) if hasattr(default, "relative_to") else default


if __name__ == "__main__":
    for path in PAGES:
        new = filled_in(path)
        if sys.argv[1:]:
            new = with_outputs(new, int(sys.argv[1]))
        path.write_text(new, encoding="utf-8")
