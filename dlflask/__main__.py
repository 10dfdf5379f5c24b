"""`python -m dlflask`: read image files, check a model file, or start the service."""

from __future__ import annotations

# ruff: noqa: E402  prepare_environment() must run before the imports below
from dlflask.cli.parser import USAGE, build_parser, prepare_environment

prepare_environment()

import argparse
import os
import sys
from contextlib import ExitStack

from rich.console import Console
from rich.progress import Progress

from dlflask.cli.check import check
from dlflask.cli.formatters import WriteRow, csv_rows, json_rows, text_rows
from dlflask.cli.inputs import find_files
from dlflask.cli.predict import open_reader, predict
from dlflask.cli.serve import serve
from dlflask.config import Config
from dlflask.errors import ConfigError, InvalidLength, ModelError

#: Exit statuses of `predict`. For invalid arguments, the status is `USAGE`.
ALL_READ, SOME_UNREAD = 0, 1


def main(argv: list[str] | None = None) -> int:
    """Run the command in `argv`, by default `sys.argv[1:]`, and return its exit status."""
    parser = build_parser()
    options = parser.parse_args(argv)
    if options.command is None:
        parser.print_help(sys.stderr)
        return USAGE
    try:
        if options.command == "serve":
            serve(options.host, options.port, options.workers, options.model)
        if options.command == "check":
            path = options.model or Config.from_environment().model_path
            return check(path, sys.stdout, sys.stderr, as_json=options.json)
        return _predict(options, parser)
    except ConfigError as error:
        parser.error(str(error))
    except BrokenPipeError:
        # The program that reads the rows, such as `head`, closed the pipe. Replace stdout, because
        # Python flushes stdout at exit, which would raise another error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SOME_UNREAD


def _predict(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    files = find_files(options.files)
    config = Config.from_environment()
    status = ALL_READ
    console = Console(stderr=True)
    # Hide the progress bar if the rows go to a terminal, because they show the progress there.
    is_hidden = sys.stdout.isatty() or not console.is_terminal
    with ExitStack() as stack:
        try:
            reader = stack.enter_context(open_reader(options, config))
        except (ModelError, InvalidLength, ValueError, ConnectionError) as error:
            parser.error(str(error))
        write = _choose_format(options)
        bar = stack.enter_context(
            Progress(console=console, redirect_stdout=False, disable=is_hidden)
        )
        task = bar.add_task("Reading images", total=len(files))
        for batch in predict(files, reader, config.max_upload_bytes):
            for name, outcome in batch:
                write(name, outcome)
                status = SOME_UNREAD if outcome.reason else status
            bar.advance(task, len(batch))
        sys.stdout.flush()
    return status


def _choose_format(options: argparse.Namespace) -> WriteRow:
    """Return the function that writes the row of an image."""
    if options.csv:
        return csv_rows(sys.stdout, number=options.number)
    if options.json:
        return json_rows(sys.stdout, number=options.number)
    return text_rows(sys.stdout, sys.stderr, number=options.number)


if __name__ == "__main__":
    sys.exit(main())
