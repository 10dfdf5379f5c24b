"""Results in, a drawing out: requests a second, and memory over the soak."""

from __future__ import annotations

from pathlib import Path

from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench import plan
from bench.results import Results


def draw(results: Results, path: Path) -> bool:
    """Draw the closed loop and the soak to an SVG file; False where there is nothing to draw."""
    cells = list(results.medians(plan.CLOSED))
    panels = [_draw_rates] * bool(cells) + [_draw_soak] * bool(results.soak)
    if not panels:
        return False
    # The same drawing for the same results.
    rcParams["svg.hashsalt"] = "bench"
    figure = Figure(figsize=(8, 3.6 * len(panels)), layout="constrained")
    for panel, axes in zip(panels, figure.subplots(len(panels), squeeze=False)[:, 0], strict=True):
        panel(results, axes)
    figure.savefig(path, metadata={"Date": None})
    return True


def _draw_rates(results: Results, axes: Axes) -> None:
    cells = list(results.medians(plan.CLOSED))
    cases = list(dict.fromkeys(cell.case for cell, _ in cells))
    targets = list(dict.fromkeys(cell.target for cell, _ in cells))
    width = 0.8 / len(targets)
    for i, target in enumerate(targets):
        rates = {
            cell.case: figures["requests_per_second"]
            for cell, figures in cells
            if cell.target == target
        }
        places = [j + (i - (len(targets) - 1) / 2) * width for j in range(len(cases))]
        axes.bar(places, [rates.get(case, 0) for case in cases], width, label=target)
    # Between the floor and the original lie two powers of ten.
    axes.set_yscale("log")
    axes.set_ylabel("requests a second")
    axes.set_xticks(range(len(cases)), cases, rotation=25, ha="right")
    axes.legend(ncols=len(targets), fontsize="small")


def _draw_soak(results: Results, axes: Axes) -> None:
    seconds, size = zip(*results.soak, strict=True)
    axes.plot(seconds, size)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("seconds of soak")
    axes.set_ylabel("memory of all processes, MB")
