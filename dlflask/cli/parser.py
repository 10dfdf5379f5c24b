"""Argument parser of all commands, and a check that the necessary packages are installed."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from dlflask import __version__
from dlflask.server.settings import DEFAULT_PORT

#: Exit status if the command line is wrong (as in argparse), or if a model, a service or a package
#: is missing.
USAGE = 2

#: Packages that the commands import when they start.
_PACKAGES = ("numpy", "PIL", "rich", "scipy")

_ABOUT = "Read the digits in image files, check a model file, or serve the page and the API."

_COMMANDS = """\
other commands, each with its own --help:
  python -m dlflask.evaluate  measure a model or a service on labelled images
  python -m dlflask.train     train a new model
"""

_PREDICT = """\
Read the digit in each image and print one row for each image. With --number, read whole numbers
instead of digits.

examples:
  python -m dlflask predict static/4.jpg
  python -m dlflask predict scans/ 'photos/*.jpg' --csv > digits.csv
  python -m dlflask predict scans/ --json | jq -r 'select(.verdict != "digit").file'
  cat static/4.jpg | python -m dlflask predict -
  python -m dlflask predict scans/ --url http://127.0.0.1:8000
  python -m dlflask predict --number scans/ --length 5 --csv > numbers.csv
"""

_CHECK = """\
Load a model file as the service does. Report its layers, its input and outputs, the range of pixel
values on which the model was trained, how many sample digits it reads correctly, and the time for
one image.

examples:
  python -m dlflask check own_model.h5
  python -m dlflask check own_model.keras --json
"""

_CHECK_EXIT = """\
exit status:
  0  the model would be served, perhaps with a warning
  1  the model would not be served; one line says why
  2  the command is wrong
"""

_PREDICT_EXIT = """\
exit status:
  0  every image was read
  1  some images could not be read; the rows of all other images are complete
  2  the command is wrong, or the model or service is missing
"""


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` that reports an error in one line and does not print the usage."""

    def error(self, message: str) -> NoReturn:
        """Print `message` and exit with status 2."""
        self.exit(USAGE, f"{self.prog}: {message}\n")


def prepare_environment() -> None:
    """Check that the necessary packages are installed, and limit NumPy to one thread.

    Call this before NumPy is imported, because NumPy reads the limit during its import. If a
    package is missing, print one line and exit.
    """
    # gunicorn.conf.py sets the same limit. With more threads, reading a ten-digit number takes
    # three times as much CPU time, because the threads wait for each other.
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
    predicting = commands.add_parser(
        "predict",
        help="read the digits in image files",
        description=_PREDICT,
        epilog=_PREDICT_EXIT,
        formatter_class=raw,
    )
    predicting.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="an image file, a folder (all images in it and below it are read), a pattern in "
        "quotes, or - for standard input",
    )
    output_format = predicting.add_mutually_exclusive_group()
    output_format.add_argument("--json", action="store_true", help="print one JSON object per line")
    output_format.add_argument("--csv", action="store_true", help="print CSV with a header")
    predicting.add_argument(
        "--number", action="store_true", help="read a whole number in each image instead of a digit"
    )
    predicting.add_argument(
        "--length",
        metavar="N",
        help="with --number: the expected number of digits, such as 5 or 4-6",
    )
    reader = predicting.add_mutually_exclusive_group()
    reader.add_argument(
        "--url", help="send images to a running service, such as http://127.0.0.1:8000"
    )
    predicting.add_argument("--key", default="", help="API key, if the service needs an API key")
    reader.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="use this model (default: the model that the service uses)",
    )
    checking = commands.add_parser(
        "check",
        help="report whether and how the service would serve a model file",
        description=_CHECK,
        epilog=_CHECK_EXIT,
        formatter_class=raw,
    )
    checking.add_argument(
        "model",
        type=Path,
        nargs="?",
        metavar="MODEL",
        help="an .h5 or .keras file (default: the model that the service uses)",
    )
    checking.add_argument("--json", action="store_true", help="print one JSON object")
    serving = commands.add_parser(
        "serve",
        help="serve the page and the API",
        description="Serve the page and the API by Gunicorn. gunicorn.conf.py configures it.",
    )
    serving.add_argument(
        "--host", default="127.0.0.1", help="address to listen at (default: %(default)s)"
    )
    port = os.environ.get("PORT") or str(DEFAULT_PORT)
    serving.add_argument("--port", default=port, help="port to listen at (default: %(default)s)")
    serving.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="serve this model (default: DLFLASK_MODEL_PATH, or mnist_model.h5)",
    )
    serving.add_argument(
        "--workers", metavar="N", help="number of worker processes (default: one per CPU)"
    )
    return parser
