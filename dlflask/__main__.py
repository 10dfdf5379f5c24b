"""`python -m dlflask`: read image files, check a model file, or start the service."""

from __future__ import annotations

# ruff: noqa: E402  prepare_environment() must run before the imports below
from dlflask.cli.parser import USAGE, build_parser, prepare_environment

prepare_environment()

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.progress import Progress

from dlflask.cli.check import check
from dlflask.cli.formatters import csv_rows, json_rows, text_rows
from dlflask.cli.inputs import find_files
from dlflask.cli.numbers import (
    number_csv_rows,
    number_json_rows,
    number_text_rows,
    open_number_model,
    open_number_service,
)
from dlflask.cli.predict import open_model, open_service, predict
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
            # Each reader has its own function that writes rows, because the columns differ.
            choose = _choose_numbers if options.number else _choose_digits
            open_reader, write = choose(options, config)
            reader: Any = stack.enter_context(open_reader)
        except (ModelError, InvalidLength, ValueError, ConnectionError) as error:
            parser.error(str(error))
        bar = stack.enter_context(
            Progress(console=console, redirect_stdout=False, disable=is_hidden)
        )
        task = bar.add_task("Reading images", total=len(files))
        for batch in predict(files, reader, config.max_upload_bytes):
            for file, outcome in batch:
                write(file.name, outcome)
                status = SOME_UNREAD if outcome.reason else status
            bar.advance(task, len(batch))
        sys.stdout.flush()
    return status


def _choose_digits(
    options: argparse.Namespace, config: Config
) -> tuple[AbstractContextManager[Any], Callable[..., None]]:
    """Return the reader of digits, and the function that writes the row of an image."""
    if options.length is not None:
        raise InvalidLength(
            "--length needs --number, because only numbers have a length. Add --number."
        )
    reader: AbstractContextManager[Any]
    if options.url:
        reader = open_service(options.url, options.key)
    else:
        chosen = {"model_path": options.model} if options.model else {}
        reader = open_model(replace(config, **chosen))
    if options.csv:
        return reader, csv_rows(sys.stdout)
    return reader, json_rows(sys.stdout) if options.json else text_rows(sys.stdout, sys.stderr)


def _choose_numbers(
    options: argparse.Namespace, config: Config
) -> tuple[AbstractContextManager[Any], Callable[..., None]]:
    """Return the reader of numbers, and the function that writes the row of an image."""
    reader: AbstractContextManager[Any]
    if options.url:
        reader = open_number_service(options.url, options.key, options.length)
    else:
        chosen = {"number_model_path": options.model} if options.model else {}
        reader = open_number_model(replace(config, **chosen), options.length)
    if options.csv:
        return reader, number_csv_rows(sys.stdout)
    rows = number_json_rows(sys.stdout) if options.json else None
    return reader, rows or number_text_rows(sys.stdout, sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
