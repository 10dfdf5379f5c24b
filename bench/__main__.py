"""`python -m bench`: load on the service, beside its floor and the original way; a report out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench import plan, stages
from bench.load import LoadFault, require
from bench.pictures import PICTURES
from bench.plot import draw
from bench.report import to_markdown
from bench.run import run_bench
from bench.servers import TARGETS, DoesNotServe

PROFILE = "profile"

EXAMPLES = """\
examples:
  python -m bench                          all but the soak in 5 rounds, 20 minutes
  python -m bench --fast                   one short round, to see that it works
  python -m bench closed --targets ours floor
                                           how far the service is from its floor
  python -m bench memory --soak 300000     whether memory stays flat
  python -m bench profile                  where the microseconds of one request go

parts:
  closed   requests a second and latencies over 1, 16 and 64 connections, by wrk
  open     latencies at fixed rates, from the planned start, by h2load; needs closed
  batch    pictures a second by pictures in a request
  cold     from the start of a process to its first right answer
  memory   of each target with one worker
  workers  throughput and memory by the number of workers
  profile  the stages of a request, in this process, without a server; alone

Figures worth keeping need a quiet machine with two CPUs or more. Ratios within a run bear some
noise, as the targets take turns.
"""


def main(argv: list[str] | None = None) -> int:
    """Measure, then write the report."""
    parser = _parser()
    told = parser.parse_args(argv)
    if PROFILE in told.parts:
        print(_profile(told.requests))
        return 0
    options = plan.Options(
        parts=tuple(told.parts or plan.PARTS),
        targets=tuple(told.targets),
        rounds=1 if told.fast else told.rounds,
        seconds=1 if told.fast else told.seconds,
        soak=told.soak,
        python=told.service_python,
    )
    if "open" in options.parts and "closed" not in options.parts:
        parser.error("open takes its rates from closed; name both")
    try:
        require("wrk")
        results, pictures = run_bench(options, sys.argv[1:] if argv is None else argv, _say)
    except (LoadFault, DoesNotServe) as fault:
        parser.exit(1, f"{fault}\n")
    told.output.mkdir(parents=True, exist_ok=True)
    results.write(told.output / "results.json")
    plot = "results.svg" if draw(results, told.output / "results.svg") else None
    text = to_markdown(results, plan.ratios(results, pictures), plot)
    (told.output / "RESULTS.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


def _profile(requests: int) -> str:
    # Keras takes seconds to import, and the other parts do without it.
    from dlflask.app import create_app  # noqa: PLC0415
    from dlflask.classifier import Classifier  # noqa: PLC0415
    from dlflask.config import Config  # noqa: PLC0415

    config = Config.from_environment()
    app = create_app(config, Classifier(config.model_path))
    pictures = [PICTURES[name]() for name in ("small", "middle", "phone")]
    small = pictures[0]
    return "\n\n".join(
        [
            f"One request in this process, medians of {requests}, microseconds (us)",
            stages.to_markdown(
                {each.name: stages.profile(app, each, requests) for each in pictures}
            ),
            f"{small.name}: the functions that take most themselves, under a profiler, which "
            "makes Python slower and leaves C as it is",
            stages.slowest_functions(app, small, requests),
        ]
    )


def _say(what: str) -> None:
    # On stderr, so that the report can be sent to a file.
    print(what, file=sys.stderr, flush=True)


def _part(text: str) -> str:
    parts = (*plan.PARTS, PROFILE)
    if text not in parts:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(parts)}")
    return text


def _count(text: str) -> int:
    number = int(text.replace(",", "").replace("_", ""))
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure the service under load, in one run with what it is compared with.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "parts",
        nargs="*",
        metavar="PART",
        type=_part,  # Python 3.11 takes the empty list for a wrong choice
        help="what to measure, of those below (default: all but profile)",
    )
    add(
        "--targets",
        nargs="+",
        choices=TARGETS,
        default=TARGETS,
        help="ours directly, ours behind the project's nginx/, the floor (Gunicorn and Flask that "
        "do nothing with the picture), the original way (model.predict on TensorFlow)",
    )
    add("--rounds", type=_count, default=5, help="in each the targets take turns (default: 5)")
    add("--seconds", type=_count, default=4, help="of each measurement (default: 4)")
    add("--fast", action="store_true", help="1 round of 1 second each")
    add(
        "--soak",
        type=_count,
        default=0,
        metavar="N",
        help="afterwards, send N requests and watch the memory",
    )
    add(
        "--service-python",
        default=sys.executable,
        metavar="FILE",
        help="the Python of the service's own environment (default: this one)",
    )
    add("--requests", type=_count, default=300, help="of profile (default: 300)")
    add(
        "--output",
        type=Path,
        default=Path("build/bench"),
        metavar="FOLDER",
        help="is given RESULTS.md, results.svg and results.json (default: build/bench)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
