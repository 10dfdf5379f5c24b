"""Argument parser of the commands, and the check that they run in the project's environment."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from dlflask import __version__
from dlflask.server.settings import DEFAULT_PORT

#: Exit status for a wrong command line or a missing model, service or package, as in argparse.
USAGE = 2

#: The commands import these at their start.
_PACKAGES = ("numpy", "PIL", "rich", "scipy")


_ABOUT = "Read the digits in image files, check a model file, or serve the page and the API."

_COMMANDS = """\
other commands, each with its own --help:
  python -m dlflask.evaluate  measure a model or a service on labelled images
  python -m dlflask.train     train a new model
"""

_PREDICT = """\
Read the digit, or with --number the number, in each image and print a row for it.

examples:
  python -m dlflask predict static/4.jpg
  python -m dlflask predict scans/ 'photos/*.jpg' --csv > digits.csv
  python -m dlflask predict scans/ --json | jq -r 'select(.verdict != "digit").file'
  cat static/4.jpg | python -m dlflask predict -
  python -m dlflask predict scans/ --url http://127.0.0.1:8000
  python -m dlflask predict --number scans/ --length 5 --csv > numbers.csv
"""

_CHECK = """\
Load a model file as the service would, and report its layers, its input and the values it was
trained on, its outputs, how many sample digits it reads, and the time of one image.

examples:
  python -m dlflask check own_model.h5
  python -m dlflask check own_model.keras --json
"""

_CHECK_EXIT = """\
exit status:
  0  the model would be served, perhaps with a warning
  1  it would not; one line says why
  2  the command is wrong
"""

_EXIT = """\
exit status:
  0  every image was read
  1  some images were not read; the others have their rows
  2  the command is wrong, or the model or service is missing
"""


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` that reports an error in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        """Print `message` and exit with status 2."""
        self.exit(USAGE, f"{self.prog}: {message}\n")


def prepare_environment() -> None:
    """Check that the service's packages are installed, and limit the threads of NumPy.

    Call this before NumPy is imported. Exits with one line if a package is missing.
    """
    # As in gunicorn.conf.py. More threads only wait for each other: reading ten-digit numbers then
    # takes three times the CPU time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        Parser(prog="python -m dlflask").error(
            f"{sys.executable} lacks the package {missing[0]}. Use the project's environment, as "
            "in `.venv/bin/python -m dlflask`; `make run` creates it."
        )


def build_parser() -> Parser:
    """Return the parser of `python -m dlflask`."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = Parser(
        prog="python -m dlflask", description=_ABOUT, epilog=_COMMANDS, formatter_class=raw
    )
    parser.add_argument("--version", action="version", version=f"dlflask {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    reading = commands.add_parser(
        "predict",
        help="read the digits in image files",
        description=_PREDICT,
        epilog=_EXIT,
        formatter_class=raw,
    )
    reading.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="an image; a folder, for all images in and below it; a pattern in quotes; - for "
        "standard input",
    )
    form = reading.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one object per line")
    form.add_argument("--csv", action="store_true", help="print a table with a header")
    reading.add_argument(
        "--number", action="store_true", help="read whole numbers instead of single digits"
    )
    reading.add_argument(
        "--length", metavar="N", help="with --number: the number of digits, such as 5 or 4-6"
    )
    by = reading.add_mutually_exclusive_group()
    by.add_argument("--url", help="ask a running service, such as http://127.0.0.1:8000")
    reading.add_argument("--key", default="", help="API key, for a service that needs one")
    by.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="use this model (default: the one that is served)",
    )
    checking = commands.add_parser(
        "check",
        help="report how the service would serve a model file",
        description=_CHECK,
        epilog=_CHECK_EXIT,
        formatter_class=raw,
    )
    checking.add_argument(
        "model",
        type=Path,
        nargs="?",
        metavar="MODEL",
        help="an .h5 or .keras file (default: the one that is served)",
    )
    checking.add_argument("--json", action="store_true", help="print one object")
    serving = commands.add_parser(
        "serve",
        help="serve the page and the API",
        description="Serve the page and the API by Gunicorn, configured in gunicorn.conf.py.",
    )
    serving.add_argument("--host", default="127.0.0.1", help="address to listen at (%(default)s)")
    port = os.environ.get("PORT") or str(DEFAULT_PORT)
    serving.add_argument("--port", default=port, help="port to listen at (%(default)s)")
    serving.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="serve this model (default: DLFLASK_MODEL_PATH, or mnist_model.h5)",
    )
    serving.add_argument(
        "--workers", metavar="N", help="number of processes (default: one per CPU)"
    )
    return parser
