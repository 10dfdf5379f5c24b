"""`python -m deploy.capacity`: how many replicas R pictures a second at p99 L need."""

import argparse
import asyncio
import json
import math
import sys
from dataclasses import asdict, replace

from deploy.capacity.measure import MEASURED, PORT, Core, measure, pinned_service
from deploy.capacity.queueing import quantile, servers_for

SHARE = 0.99
#: Thousands of servers with one queue could be busy all the time, were the rate the same all day.
MOST_BUSY = 0.8
#: Requests of each part of a measurement.
COUNT = 1000


def main(arguments: list[str] | None = None) -> int:
    """Print a plan, or a measurement with `--measure`; returns the exit status."""
    options = _parse(arguments)
    if options.measure:
        print_measurement(keep=options.write)
        return 0
    core = Core.read()
    if options.service_ms is not None:
        core = replace(core, seconds=options.service_ms / 1e3)
    try:
        print(plan(core, options.rate, options.p99_ms / 1e3))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def plan(core: Core, rate: float, seconds: float) -> str:
    """The replicas, of one core each, for `rate` a second, and what they come to."""
    least = math.ceil(rate * core.seconds / MOST_BUSY)
    shared = max(least, servers_for(rate, SHARE, seconds, core.service))
    apart = servers_for(rate, SHARE, seconds, core.service, shared=False)
    p99 = 1e3 * quantile(SHARE, rate, shared, core.service)
    return "\n".join(
        (
            f"{rate:g} pictures a second, {SHARE:.0%} within {1e3 * seconds:g} ms, "
            f"{1e3 * core.seconds:.3g} ms of a core for each:",
            f"  {shared} replicas of one core behind one NGINX (M/G/c; p99 {p99:.3g} ms, "
            f"{rate * core.seconds / shared:.0%} busy)",
            f"  {apart} where requests are spread at random (M/G/1 each)",
            f"  {(shared + 1) * core.megabytes / 1e3:.3g} GB and {shared + 1} cores with one "
            "replica to spare for a failure or an update",
        )
    )


def print_measurement(*, keep: bool) -> None:
    """Measure this machine, print it beside the model, and keep it for later plans if asked."""
    with pinned_service(PORT) as pid:
        core, comparisons = asyncio.run(measure(PORT, pid, COUNT))
    print(json.dumps(asdict(core), indent=2))
    print("| load | mean, model | measured | p50, model | measured | p99, model | measured |")
    print("|---|---|---|---|---|---|---|")
    for row in comparisons:
        cells = (*row.mean, *row.p50, *row.p99)
        print(f"| {row.load:.0%} |", " | ".join(f"{cell:.2f} ms" for cell in cells), "|")
    if keep:
        MEASURED.write_text(json.dumps(asdict(core), indent=2) + "\n", encoding="utf-8")


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.capacity", description=__doc__)
    parser.add_argument("--rate", type=float, default=1000.0, help="pictures a second")
    parser.add_argument("--p99-ms", type=float, default=20.0, help="99 %% are answered within")
    parser.add_argument(
        "--service-ms", type=float, help="of a core per picture, if not as measured"
    )
    parser.add_argument("--measure", action="store_true", help="measure a core of this machine")
    parser.add_argument("--write", action="store_true", help="and keep it as what is planned with")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
