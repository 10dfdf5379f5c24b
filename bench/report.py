"""Markdown report of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.results import BATCHES, COLD, MEMORY, SPEED, Range, Results

#: Per part: introduction and figures. The ratio column divides the first figure.
SECTIONS = {
    SPEED: (
        "Closed loop by wrk: each connection sends the next request after the response. Errors "
        "are statuses from 400, broken connections and timeouts.",
        ("requests_per_second", "p50", "p99"),
    ),
    BATCHES: (
        "28x28 PNG, 16 connections; the ratio is to one image at `/predictlabel`.",
        ("images_per_second", "p50", "p99"),
    ),
    COLD: ("From the start of the process to its first prediction, files cached.", ("seconds",)),
    MEMORY: (
        "All processes of the target, one worker, after load with large photos. PSS counts "
        "shared pages once. NGINX's memory is its own, without the service.",
        ("pss", "rss"),
    ),
}

#: Column title and number format by figure.
COLUMNS = {
    "requests_per_second": ("requests/s", ",.0f"),
    "images_per_second": ("images/s", ",.0f"),
    "p50": ("p50 ms", ",.2f"),
    "p99": ("p99 ms", ",.2f"),
    "seconds": ("seconds", ".2f"),
    "rss": ("RSS MB", ",.0f"),
    "pss": ("PSS MB", ",.0f"),
}


def to_markdown(results: Results) -> str:
    """Return the report: the machine, then one table for each part."""
    parts = [
        "# Benchmark",
        "Each figure is the median of the rounds of one run, with the lowest and the highest "
        "round. Targets take turns within a round; the ratio divides each by the service in the "
        "same round. Quote ratios within a run: figures change with the machine.",
        _table(("", ""), results.about.items()),
    ]
    for part, (text, figures) in SECTIONS.items():
        if results.cells(part):
            parts += [f"## {part.capitalize()}", text, _section(results, part, figures)]
    if results.not_measured:
        parts += ["## Not measured", "\n".join(f"- {each}" for each in results.not_measured)]
    return "\n\n".join(parts) + "\n"


def _section(results: Results, part: str, figures: Sequence[str]) -> str:
    rows = [
        (
            cell.case,
            cell.target,
            *(_text(results.summarise(cell, name), COLUMNS[name][1]) for name in figures),
            _text(results.ratio(cell, figures[0]), ".3g"),
            f"{results.errors(cell):.0f}",
        )
        for cell in results.cells(part)
    ]
    titles = (COLUMNS[name][0] for name in figures)
    return _table(("case", "target", *titles, "ratio", "errors"), rows)


def _text(found: Range | None, form: str) -> str:
    if found is None:
        return "-"
    low, middle, high = (format(each, form) for each in (found.low, found.median, found.high))
    return middle if low == high else f"{middle} ({low} to {high})"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
