"""Figures of all rounds of a run, and their report: median, range and ratio."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from bench.servers import SERVICE
from dlflask.evaluate.render import markdown_table

SPEED, BATCHES, COLD, MEMORY = "speed", "batches", "cold start", "memory"

#: Column title and number format by figure.
_LATENCIES = {"p50": ("p50 ms", ",.2f"), "p99": ("p99 ms", ",.2f")}

#: Introduction and columns of each part of the report. The ratio column divides the first figure.
PARTS: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    SPEED: (
        "Closed loop by wrk: each connection sends the next request after the response. Errors "
        "are statuses from 400, broken connections and timeouts.",
        {"requests_per_second": ("requests/s", ",.0f"), **_LATENCIES},
    ),
    BATCHES: (
        "28x28 PNG, 16 connections; the ratio is to one image at `/predictlabel`.",
        {"images_per_second": ("images/s", ",.0f"), **_LATENCIES},
    ),
    COLD: (
        "From the start of the process to its first prediction, files cached.",
        {"seconds": ("seconds", ".2f")},
    ),
    MEMORY: (
        "All processes of the target, one worker, after load with large photos. PSS counts "
        "shared pages once. NGINX's memory is its own, without the service.",
        {"pss": ("PSS MB", ",.0f"), "rss": ("RSS MB", ",.0f")},
    ),
}

_INTRODUCTION = (
    "Each figure is the median of the rounds of one run, with the lowest and the highest round. "
    "Targets take turns within a round; the ratio divides each by the service in the same round. "
    "Quote ratios within a run: figures change with the machine."
)


@dataclass(frozen=True)
class Sample:
    """Figures of one row of the report in one round."""

    part: str
    case: str
    target: str
    round: int
    figures: dict[str, float]


@dataclass
class Results:
    """A run: machine and settings, every sample, and the targets that were left out."""

    about: dict[str, str] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    not_measured: list[str] = field(default_factory=list)

    def values(self, part: str, case: str, target: str, figure: str) -> dict[int, float]:
        """Return one figure by round; empty if it was not measured."""
        row = (part, case, target)
        return {
            each.round: each.figures[figure]
            for each in self.samples
            if (each.part, each.case, each.target) == row and figure in each.figures
        }

    def ratios(self, part: str, case: str, target: str, figure: str) -> list[float]:
        """Divide by the reference, round by round: targets take turns within a round.

        The reference is the service in the same case; for batches, the first case.
        """
        if part == BATCHES:
            case_of_reference = next(each.case for each in self.samples if each.part == BATCHES)
        else:
            case_of_reference = case
        values = self.values(part, case, target, figure)
        base = self.values(part, case_of_reference, SERVICE, figure)
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
        """Return the cells of a part, grouped by case, in the order measured."""
        found = dict.fromkeys(
            (each.case, each.target) for each in self.samples if each.part == part
        )
        cases = list(dict.fromkeys(case for case, _ in found))
        return [
            [
                *row,
                *(_summarise(self.values(part, *row, f).values(), columns[f][1]) for f in columns),
                _summarise(self.ratios(part, *row, next(iter(columns))), ".3g"),
                f"{sum(self.values(part, *row, 'errors').values()):.0f}",
            ]
            for row in sorted(found, key=lambda row: cases.index(row[0]))
        ]

    def write(self, folder: Path) -> None:
        """Write the report and all samples to `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "RESULTS.md").write_text(self.to_markdown(), encoding="utf-8")
        text = json.dumps(asdict(self), indent=1) + "\n"
        (folder / "results.json").write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Results:
        """Read the samples that `write` wrote."""
        stored = json.loads(path.read_text(encoding="utf-8"))
        samples = [Sample(**each) for each in stored["samples"]]
        return cls(stored["about"], samples, stored["not_measured"])


def _summarise(values: Collection[float], form: str) -> str:
    """Return the median and, if they differ from it, the lowest and the highest value."""
    if not values:
        return "-"
    low, middle, high = (format(pick(values), form) for pick in (min, median, max))
    return middle if low == high else f"{middle} ({low} to {high})"
