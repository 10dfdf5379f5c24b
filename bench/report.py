"""Results in, Markdown to read out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench import plan
from bench.load import Figures
from bench.results import Cell, Ratio, Results

#: Figures by name: column title and format.
COLUMNS = {
    "planned_per_second": ("planned/s", "{:,.1f}"),
    "requests_per_second": ("requests/s", "{:,.1f}"),
    "pictures_per_second": ("pictures/s", "{:,.1f}"),
    "p50": ("p50 ms", "{:,.2f}"),
    "p99": ("p99 ms", "{:,.2f}"),
    "p999": ("p99.9 ms", "{:,.2f}"),
    "held_back": ("held back", "{:.2%}"),
    "seconds": ("seconds", "{:.2f}"),
    "processes": ("processes", "{:.0f}"),
    "rss": ("RSS MB", "{:,.0f}"),
    "pss": ("PSS MB", "{:,.0f}"),
    "warm_mb": ("MB when warm", "{:,.1f}"),
    "end_mb": ("MB at the end", "{:,.1f}"),
    "most_mb": ("most MB", "{:,.1f}"),
    "mb_per_100000_requests": ("MB per 100,000 requests", "{:+.2f}"),
    "errors": ("errors", "{:.0f}"),
}

SECTIONS = {
    plan.CLOSED: "Each connection asks again as soon as it is answered (wrk). Errors are answers "
    "of 400 and above, broken connections and timeouts, summed over the rounds.",
    plan.OPEN: "Requests start at a fixed rate, answered or not (h2load), evenly spaced at the "
    "highest whole step below 50 and 80 % of the target's own peak at 16 connections. Where "
    "requests were held back by a connection still waiting, latencies are lower bounds.",
    plan.BATCH: f"28x28 PNG, {plan.CONNECTIONS} connections.",
    plan.COLD: "From the start of the process to its first right answer, files in the page cache.",
    plan.MEMORY: "All processes of the target after load with 64 connections and with large "
    "photos. PSS counts shared pages once. NGINX's is its own.",
    plan.WORKERS: "28x28 PNG, 64 connections, a CPU for each worker as far as there are any.",
    plan.SOAK: "28x28 PNG, 16 connections, one worker; the slope is that of the line of least "
    "squares through the last four fifths.",
}


def to_markdown(results: Results, ratios: Sequence[Ratio], plot: str | None = None) -> str:
    """The run as a page: ratios first, then a table for each part."""
    parts = [
        "# Benchmark",
        "Medians over the rounds of one run, in which the targets take turns. Only ratios within "
        "a run are worth quoting: figures change with the machine.",
        _table(("", ""), results.about.items()),
        *(
            [
                "## Ratios",
                _table(
                    ("ratio", "median of the rounds", "lowest to highest"),
                    [
                        (each.name, f"**{each.value:.2f}**", f"{each.low:.2f} to {each.high:.2f}")
                        for each in ratios
                    ],
                ),
            ]
            if ratios
            else []
        ),
        *([f"![Requests a second of each target]({plot})"] if plot else []),
    ]
    for part, text in SECTIONS.items():
        cells = list(results.medians(part))
        if cells:
            parts += [f"## {part.capitalize()}", text, _figures(cells)]
    if results.not_measured:
        parts += ["## Not measured", "\n".join(f"- {each}" for each in results.not_measured)]
    return "\n\n".join(parts) + "\n"


def _figures(cells: Sequence[tuple[Cell, Figures]]) -> str:
    """A table with the columns that any of the cells has."""
    names = [name for name in COLUMNS if any(name in figures for _, figures in cells)]
    ordered = sorted(cells, key=lambda row: [cell.case for cell, _ in cells].index(row[0].case))
    return _table(
        ("what", "target", *(COLUMNS[name][0] for name in names)),
        (
            (
                cell.case,
                cell.target,
                *(
                    COLUMNS[name][1].format(figures[name]) if name in figures else "-"
                    for name in names
                ),
            )
            for cell, figures in ordered
        ),
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
