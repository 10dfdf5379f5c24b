"""Samples of a run in, medians over its rounds and ratios between them out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from bench.load import Figures


@dataclass(frozen=True)
class Cell:
    """What was measured: which part of the run, of whom, doing what."""

    part: str
    target: str
    case: str


@dataclass(frozen=True)
class Sample:
    """Figures of one cell in one round."""

    cell: Cell
    round: int
    figures: Figures


@dataclass(frozen=True)
class Ratio:
    """Median over the rounds of one figure over another, with the lowest and the highest."""

    name: str
    value: float
    low: float
    high: float


@dataclass
class Results:
    """A run.

    Attributes:
        about: Where and how.
        samples: Every figure of every round.
        not_measured: What was left out, and why.
        soak: Seconds and MB, over the time of the soak.
    """

    about: dict[str, str] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    not_measured: list[str] = field(default_factory=list)
    soak: list[list[float]] = field(default_factory=list)

    def add(self, part: str, target: str, case: str, number: int, figures: Figures) -> None:
        """Keep the figures of round `number`."""
        self.samples.append(Sample(Cell(part, target, case), number, figures))

    def rounds(self, cell: Cell, figure: str) -> dict[int, float]:
        """{round: value} of one figure."""
        return {
            each.round: each.figures[figure]
            for each in self.samples
            if each.cell == cell and figure in each.figures
        }

    def medians(self, part: str) -> Iterator[tuple[Cell, Figures]]:
        """Each cell of a part in the order measured, with medians; errors are summed."""
        cells = dict.fromkeys(each.cell for each in self.samples if each.cell.part == part)
        for cell in cells:
            mine = [each.figures for each in self.samples if each.cell == cell]
            yield (
                cell,
                {
                    name: sum(values) if name == "errors" else median(values)
                    for name in mine[0]
                    if len(values := [each[name] for each in mine if name in each]) == len(mine)
                },
            )

    def ratio(self, name: str, over: tuple[Cell, str], under: tuple[Cell, str]) -> Ratio | None:
        """Divide round by round, as targets take turns within each; None if not both are there."""
        above, below = self.rounds(*over), self.rounds(*under)
        shares = [above[each] / below[each] for each in above if below.get(each)]
        if not shares:
            return None
        return Ratio(name, median(shares), min(shares), max(shares))

    def write(self, path: Path) -> None:
        """Write all of it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
