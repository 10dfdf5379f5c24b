"""Command line of the benchmark: `python -m bench`."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from bench.measure import Bench
from bench.numbers.command import main as compare_numbers
from bench.numbers.command import positive
from bench.servers import TARGETS, Host, ServerError, find_cpus
from bench.wrk import WrkError, require_wrk

EXAMPLES = """\
examples:
  python -m bench                          5 rounds, about 20 minutes
  python -m bench --rounds 1 --seconds 1   a short run, to see that the benchmark works
  python -m bench --targets service baseline_noop
                                           measure the cost of recognition
  python -m bench numbers --help           compare programs that read whole numbers

Use an idle machine with at least two CPUs.
"""


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark, or `bench numbers`. Return the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments[:1] == ["numbers"]:
        return compare_numbers(arguments[1:])
    parser = _parser()
    chosen = parser.parse_args(arguments)
    host = Host(find_cpus(), chosen.service_python)
    bench = Bench(host, tuple(chosen.targets), chosen.rounds, chosen.seconds)
    try:
        require_wrk()
        results = bench.run(shlex.join(["python", "-m", "bench", *arguments]))
    except (WrkError, ServerError) as error:
        parser.exit(1, f"{error}\n")
    results.write(chosen.output)
    print(results.to_markdown())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure speed and memory of the service and of two baselines.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--targets",
        nargs="+",
        choices=TARGETS,
        default=TARGETS,
        help="service: the service without NGINX; nginx: the service behind NGINX with the "
        "project's configuration; baseline_noop: Gunicorn and Flask with a constant response; "
        "baseline_keras_predict: model.predict on TensorFlow (default: all)",
    )
    add(
        "--rounds",
        type=positive,
        default=5,
        help="number of rounds, each of which measures all targets (default: 5)",
    )
    add("--seconds", type=positive, default=4, help="duration of each measurement (default: 4)")
    add(
        "--service-python",
        default=sys.executable,
        metavar="FILE",
        help="Python program of the service's environment (default: the current one)",
    )
    add(
        "--output",
        type=Path,
        default=Path("build/bench"),
        metavar="FOLDER",
        help="folder for RESULTS.md and results.json (default: build/bench)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
