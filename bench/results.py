"""Figures of every round of a run, and their summary: median, range and ratio."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from bench.memory import Figures
from bench.servers import SERVICE

SPEED, BATCHES, COLD, MEMORY = "speed", "batches", "cold start", "memory"


@dataclass(frozen=True)
class Cell:
    """One row of the report: part of the run, case and target."""

    part: str
    case: str
    target: str


@dataclass(frozen=True)
class Sample:
    """Figures of one cell in one round."""

    cell: Cell
    round: int
    figures: Figures


@dataclass(frozen=True)
class Range:
    """Median over the rounds, with the lowest and the highest value."""

    median: float
    low: float
    high: float


@dataclass
class Results:
    """A run: machine and settings, every sample, and the targets that were left out."""

    about: dict[str, str] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    not_measured: list[str] = field(default_factory=list)

    def add(self, cell: Cell, number: int, figures: Figures) -> None:
        """Keep the figures of round `number`."""
        self.samples.append(Sample(cell, number, figures))

    def cells(self, part: str) -> list[Cell]:
        """Return the cells of a part, grouped by case, in the order measured."""
        found = dict.fromkeys(each.cell for each in self.samples if each.cell.part == part)
        cases = list(dict.fromkeys(cell.case for cell in found))
        return sorted(found, key=lambda cell: cases.index(cell.case))

    def summarise(self, cell: Cell, figure: str) -> Range | None:
        """Summarise one figure over the rounds; None if it was not measured."""
        return _range(list(self._rounds(cell, figure).values()))

    def errors(self, cell: Cell) -> float:
        """Return the failed requests of all rounds together."""
        return sum(self._rounds(cell, "errors").values())

    def ratio(self, cell: Cell, figure: str) -> Range | None:
        """Divide by the reference, round by round: targets take turns within a round.

        The reference is the service in the same case; for batches, the first case.
        """
        first = self.cells(cell.part)[0]
        reference = first if cell.part == BATCHES else Cell(cell.part, cell.case, SERVICE)
        values, base = self._rounds(cell, figure), self._rounds(reference, figure)
        return _range([values[each] / base[each] for each in values if base.get(each)])

    def write(self, path: Path) -> None:
        """Write everything as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Results:
        """Read what `write` wrote."""
        stored = json.loads(path.read_text(encoding="utf-8"))
        samples = [
            Sample(Cell(**each["cell"]), each["round"], each["figures"])
            for each in stored["samples"]
        ]
        return cls(stored["about"], samples, stored["not_measured"])

    def _rounds(self, cell: Cell, figure: str) -> dict[int, float]:
        return {
            each.round: each.figures[figure]
            for each in self.samples
            if each.cell == cell and figure in each.figures
        }


def _range(values: list[float]) -> Range | None:
    return Range(median(values), min(values), max(values)) if values else None
