"""Figures of all rounds, and a report with their medians, ranges and ratios."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from bench.servers import SERVICE
from dlflask.evaluate.tables import markdown_table

SPEED, BATCHES, COLD, MEMORY = "speed", "batches", "cold start", "memory"

#: Column title and number format of each latency.
_LATENCIES = {"p50": ("p50 ms", ",.2f"), "p99": ("p99 ms", ",.2f")}

#: For each part of the report: its introduction, and the title and number format of each figure.
#: The column `ratio` is computed from the first figure.
PARTS: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    SPEED: (
        "The program wrk sends the requests. Each connection waits for the response before it "
        "sends the next request. Errors are statuses of at least 400, broken connections and "
        "timeouts.",
        {"requests_per_second": ("requests/s", ",.0f"), **_LATENCIES},
    ),
    BATCHES: (
        "28x28 PNG, 16 connections. The ratio compares with one image at `/predictlabel`.",
        {"images_per_second": ("images/s", ",.0f"), **_LATENCIES},
    ),
    COLD: (
        "Time from the start of the process to its first prediction. The operating system has the "
        "files in its cache.",
        {"seconds": ("seconds", ".2f")},
    ),
    MEMORY: (
        "Memory of all processes of the target, with one worker, after load with large photos. PSS "
        "counts shared pages once. The row of NGINX does not include the service.",
        {"pss": ("PSS MB", ",.0f"), "rss": ("RSS MB", ",.0f")},
    ),
}

_INTRODUCTION = (
    "Each figure is the median of the rounds of one run, with the lowest and the highest round. "
    "Each round measures all targets. The ratio divides the figure of a target by the figure of "
    "the service in the same round. Compare figures only within one run, because they change with "
    "the machine."
)


@dataclass(frozen=True)
class Sample:
    """Figures of one target in one round: a value for each column of one row of the report."""

    part: str
    case: str
    target: str
    round: int
    figures: dict[str, float]


@dataclass
class Results:
    """Results of one run.

    Attributes:
        about: Facts about the machine and the settings.
        samples: The figures.
        not_measured: Reason why a target was not measured, one text for each such target.
    """

    about: dict[str, str] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    not_measured: list[str] = field(default_factory=list)

    def values(self, part: str, case: str, target: str, figure: str) -> dict[int, float]:
        """Return the values of a figure by round."""
        row = (part, case, target)
        return {
            each.round: each.figures[figure]
            for each in self.samples
            if (each.part, each.case, each.target) == row and figure in each.figures
        }

    def ratios(self, part: str, case: str, target: str, figure: str) -> list[float]:
        """Divide the value of each round by the reference value of the same round.

        The reference is the service in the same case or, for batches, in the first case.
        """
        if part == BATCHES:
            reference = next(each.case for each in self.samples if each.part == BATCHES)
        else:
            reference = case
        values = self.values(part, case, target, figure)
        base = self.values(part, reference, SERVICE, figure)
        return [values[each] / base[each] for each in values if base.get(each)]

    def to_markdown(self) -> str:
        """Return the report: the machine, then one table for each part."""
        parts = ["# Benchmark", _INTRODUCTION, markdown_table(("", ""), self.about.items())]
        for part, (text, columns) in PARTS.items():
            if rows := self._rows(part, columns):
                titles = (title for title, _ in columns.values())
                table = markdown_table(("case", "target", *titles, "ratio", "errors"), rows)
                parts += [f"## {part.capitalize()}", text, table]
        if self.not_measured:
            parts += ["## Not measured", "\n".join(f"- {each}" for each in self.not_measured)]
        return "\n\n".join(parts) + "\n"

    def _rows(self, part: str, columns: dict[str, tuple[str, str]]) -> list[list[str]]:
        """Return the rows of a part's table, grouped by case."""
        pairs = dict.fromkeys(
            (each.case, each.target) for each in self.samples if each.part == part
        )
        cases = list(dict.fromkeys(case for case, _ in pairs))
        return [
            [
                *row,
                *(
                    _summarise(self.values(part, *row, figure).values(), number_format)
                    for figure, (_, number_format) in columns.items()
                ),
                _summarise(self.ratios(part, *row, next(iter(columns))), ".3g"),
                f"{sum(self.values(part, *row, 'errors').values()):.0f}",
            ]
            for row in sorted(pairs, key=lambda row: cases.index(row[0]))
        ]

    def write(self, folder: Path) -> None:
        """Write the report and all samples to `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "RESULTS.md").write_text(self.to_markdown(), encoding="utf-8")
        text = json.dumps(asdict(self), indent=1) + "\n"
        (folder / "results.json").write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Results:
        """Read a results.json that `write` has written."""
        stored = json.loads(path.read_text(encoding="utf-8"))
        samples = [Sample(**each) for each in stored["samples"]]
        return cls(stored["about"], samples, stored["not_measured"])


def _summarise(values: Collection[float], number_format: str) -> str:
    """Return the median as text. If the values differ, add the lowest and the highest value."""
    if not values:
        return "-"
    low, middle, high = (format(pick(values), number_format) for pick in (min, median, max))
    return middle if low == high else f"{middle} ({low} to {high})"
