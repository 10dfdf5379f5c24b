"""`python -m dlflask.evaluate DIR_OR_NPZ...`: measure how well a model or a service reads images.

Every image is decoded, normalised and read by the same code as in the service.
"""

from __future__ import annotations

# ruff: noqa: E402  prepare_environment() must run before other packages are imported
from dlflask.cli.parser import Parser, prepare_environment

prepare_environment()

import argparse
import platform
import sys
import time
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import track

from dlflask.cli.predict import load_digit_recogniser
from dlflask.client import DlflaskClient
from dlflask.config import Config
from dlflask.errors import ConfigError, ModelError
from dlflask.evaluate.contact_sheet import choose_worst, draw_contact_sheet
from dlflask.evaluate.dataset import LabelledImage, find_digits, find_non_digits
from dlflask.evaluate.numbers.command import evaluate_numbers
from dlflask.evaluate.outcomes import Case, Reader, ask, read_by_recogniser
from dlflask.evaluate.render import to_markdown
from dlflask.evaluate.report import summarise


def main(argv: list[str] | None = None) -> int:
    """Evaluate as the command line says and return the exit status."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.numbers:
        return evaluate_numbers(options, parser)
    if not options.digits and not options.non_digits:
        parser.error(
            "name a folder or an .npz file of digits, or --non-digits FOLDER, or --numbers FOLDER"
        )
    try:
        images, unlabelled_files = _find(options.digits, options.non_digits)
        reader, about = (
            _open_service(options.url, options.key) if options.url else _open_model(options.model)
        )
    except (FileNotFoundError, ValueError, ConnectionError, ModelError, ConfigError) as error:
        parser.error(str(error))
    started = time.monotonic()
    with reader as read:
        # Show progress on stderr, so that the report on stdout can be redirected to a file.
        cases = ask(read, track(images, "Reading images", console=Console(stderr=True)))
    seconds = time.monotonic() - started
    names = ", ".join(path.name or str(path) for path in [*options.digits, *options.non_digits])
    about |= {
        "images": f"{len(images):,} from {names}",
        "time": f"{seconds:.1f} s, {len(images) / seconds:.0f} images per second on "
        f"{platform.machine()}",
    }
    _publish(cases, about, unlabelled_files, options.output)
    return 0


def _publish(
    cases: list[Case], about: dict[str, Any], unlabelled_files: list[str], folder: Path | None
) -> None:
    """Print the report, and write its files to `folder` if there is one."""
    report = summarise(cases, about, unlabelled_files)
    text = to_markdown(report)
    if sys.stdout.isatty():
        Console().print(Markdown(text))
    else:
        print(text)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        report.write(folder / "report.json")
        (folder / "report.md").write_text(text, encoding="utf-8")
        draw_contact_sheet(choose_worst(cases)).save(folder / "worst.png")


def _find(digits: list[Path], non_digits: list[Path]) -> tuple[list[LabelledImage], list[str]]:
    """Return the labelled images, and the names of files without a label."""
    datasets = [find_digits(path) for path in digits]
    images = [image for dataset in datasets for image in dataset.images]
    images += [image for path in non_digits for image in find_non_digits(path)]
    return images, [name for dataset in datasets for name in dataset.unlabelled]


def _open_service(url: str, key: str) -> tuple[AbstractContextManager[Reader], dict[str, Any]]:
    return closing(DlflaskClient(url, key)), {"service": url}


def _open_model(path: Path | None) -> tuple[AbstractContextManager[Reader], dict[str, Any]]:
    config = Config.from_environment()
    config = replace(config, model_path=path) if path else config
    recogniser = load_digit_recogniser(config)
    classifier = recogniser.classifier
    thresholds = classifier.thresholds
    return nullcontext(read_by_recogniser(recogniser)), {
        "model": config.model_path.name,
        "SHA-256": classifier.sha256,
        "description": classifier.description.sentence(),
        "verdict": f"digit from {thresholds.unsure_below:.4f}, not_a_digit above "
        f"{thresholds.not_a_digit_above:.4f}; chosen on {thresholds.chosen_on}",
    }


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m dlflask.evaluate",
        description="Measure how well a model or a running service reads digits in your images.",
    )
    parser.add_argument(
        "digits",
        type=Path,
        nargs="*",
        metavar="DIR_OR_NPZ",
        help="a folder of images as LABEL/FILE or SOURCE/LABEL/FILE, or an .npz file with the "
        "arrays x and y, or x_test and y_test",
    )
    parser.add_argument(
        "--non-digits",
        type=Path,
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="folders of images without a digit, as SOURCE/FILE",
    )
    parser.add_argument(
        "--numbers",
        type=Path,
        metavar="FOLDER",
        help="a folder of images of numbers with SOURCE/labels.tsv; each line of this table is a "
        "file, a tab and a number",
    )
    target = parser.add_mutually_exclusive_group()
    target.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="a model file (default: the model that the service uses)",
    )
    target.add_argument("--url", help="a running service, such as http://127.0.0.1:8000")
    parser.add_argument("--key", default="", help="API key, if the service needs an API key")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="write report.json, report.md and worst.png to this folder; worst.png shows the worst "
        "mistakes",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
