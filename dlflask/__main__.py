"""`python -m dlflask`: read digits in picture files, or serve."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from dlflask.cli.formatters import Write, csv_rows, json_rows, text_rows
from dlflask.cli.inputs import find_files
from dlflask.cli.predict import Reader, open_model, open_service, predict
from dlflask.cli.serve import port_of, serve
from dlflask.config import Config
from dlflask.errors import ConfigError, ModelError

#: Every picture was read; some were not; the command itself is wrong, as argparse has it.
ALL_READ, SOME_UNREAD, USAGE = 0, 1, 2

_PREDICT = """\
Read the digit in each picture and print a row for it.

examples:
  python -m dlflask predict static/4.jpg
  python -m dlflask predict scans/ 'photos/*.jpg' --csv > digits.csv
  python -m dlflask predict scans/ --json | jq -r 'select(.verdict != "digit").file'
  cat static/4.jpg | python -m dlflask predict -
  python -m dlflask predict scans/ --url http://127.0.0.1:8000
"""

_EXIT = """\
exit status:
  0  every picture was read
  1  some were not; the others have their rows all the same
  2  the command is wrong, or there is no model or service
"""


def main(argv: list[str] | None = None) -> int:
    """Do what the command line says; the exit status."""
    parser, predicting = _parsers()
    options = parser.parse_args(argv)
    if options.command == "serve":
        serve(options.host, options.port, options.workers)
    try:
        return _predict(options, predicting)
    except BrokenPipeError:
        # Whoever read the rows has enough, as `head` does; Python would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SOME_UNREAD


def _predict(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    files = find_files(options.files)
    status = ALL_READ
    console = Console(stderr=True)
    # On a terminal the rows themselves show how far it is.
    is_hidden = sys.stdout.isatty() or not console.is_terminal
    with ExitStack() as stack:
        try:
            config = Config.from_environment()
            reader = stack.enter_context(_open(options, config))
        except (ConfigError, ModelError, ValueError, ConnectionError) as fault:
            parser.error(str(fault))
        write = _writer(options)
        bar = stack.enter_context(
            Progress(console=console, redirect_stdout=False, disable=is_hidden)
        )
        task = bar.add_task("Reading pictures", total=len(files))
        for batch in predict(files, reader, config.max_upload_bytes):
            for one, outcome in batch:
                write(one.name, outcome)
                status = status if outcome.probabilities is not None else SOME_UNREAD
            bar.advance(task, len(batch))
        sys.stdout.flush()
    return status


def _open(options: argparse.Namespace, config: Config) -> AbstractContextManager[Reader]:
    if options.url:
        return open_service(options.url)
    return open_model(options.model or config.model_path)


def _writer(options: argparse.Namespace) -> Write:
    if options.csv:
        return csv_rows(sys.stdout)
    return json_rows(sys.stdout) if options.json else text_rows(sys.stdout, sys.stderr)


def _parsers() -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    parser = argparse.ArgumentParser(prog="python -m dlflask", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    raw = argparse.RawDescriptionHelpFormatter
    reading = commands.add_parser(
        "predict",
        help="read the digits in picture files",
        description=_PREDICT,
        epilog=_EXIT,
        formatter_class=raw,
    )
    reading.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a picture; a folder, for all pictures in and below it; a pattern in quotes; - for "
        "standard input",
    )
    form = reading.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print an object a line")
    form.add_argument("--csv", action="store_true", help="print a table with a head")
    by = reading.add_mutually_exclusive_group()
    by.add_argument("--url", help="ask a running service, as in http://127.0.0.1:8000")
    by.add_argument(
        "--model", type=Path, metavar="FILE", help="a model of your own (default: the service's)"
    )
    serving = commands.add_parser(
        "serve",
        help="serve the page and the API",
        description="Serve the page and the API by gunicorn, as gunicorn.conf.py says.",
    )
    serving.add_argument("--host", default="127.0.0.1", help="address to listen at (%(default)s)")
    serving.add_argument(
        "--port", type=int, default=port_of(os.environ), help="port to listen at (%(default)s)"
    )
    serving.add_argument(
        "--workers", type=int, metavar="N", help="number of processes (default: one per CPU)"
    )
    return parser, reading


if __name__ == "__main__":
    sys.exit(main())
