"""Read the README: its commands with their output, and its generated tables.

`python -m tests.readme` writes the tables anew.
"""

import re
from dataclasses import fields

from dlflask.config import PREFIX, Config
from dlflask.problem_types import PROBLEMS, problem_type
from dlflask.train.model_card import ModelCard
from tests.serving import ROOT

README = ROOT / "README.md"


def commands():
    """(command, output) of every line that begins with `$ ` in a console block."""
    text = README.read_text(encoding="utf-8")
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        yield from re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)


def example(language):
    """The one block of `language`."""
    text = README.read_text(encoding="utf-8")
    (block,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return block


def tables():
    """The Markdown between each pair of markers, as the code has it now."""
    return {
        "problems": _table(
            "status | title | type",
            (
                f"{int(status)} | {title} | `{problem_type(error)}`"
                for error, (status, title) in PROBLEMS.items()
            ),
        ),
        "configuration": _table(
            "variable | default | meaning",
            (
                f"`{_variable(item)}` | `{_short(item.default)}` | {item.metadata['help']}"
                for item in fields(Config)
            ),
        ),
        "model-card": ModelCard.read(ROOT / "mnist_model.json").to_markdown(),
    }


def filled_in():
    """The README with its tables as they should be."""
    text = README.read_text(encoding="utf-8")
    for name, table in tables().items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, rest = text.split(begin)
        _, after = rest.split(end)
        text = before + begin + table + end + after
    return text


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
    README.write_text(filled_in(), encoding="utf-8")
