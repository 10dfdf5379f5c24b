"""`python -m dlflask.evaluate DIR_OR_NPZ...`: measure how well a model or a service reads images.

Every image is decoded, normalised and read by the same code as in the service.
"""

from __future__ import annotations

# ruff: noqa: E402  prepare_environment() must run before other packages are imported
from dlflask.cli.parser import Parser, prepare_environment

prepare_environment()

import argparse
import json
import platform
import sys
import time
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import track

from dlflask.cli.predict import load_digit_recogniser, load_number_recogniser, replace_model
from dlflask.client import DIGIT_PATH, NUMBER_PATH, DlflaskClient
from dlflask.config import Config
from dlflask.errors import ConfigError, ModelError
from dlflask.evaluate.contact_sheet import (
    choose_worst,
    draw_contact_sheet,
    preview_digit,
    preview_number,
)
from dlflask.evaluate.dataset import LabelledImage, find_digits, find_non_digits
from dlflask.evaluate.numbers.dataset import find_numbers
from dlflask.evaluate.outcomes import Reader, ask, read_by_recogniser
from dlflask.evaluate.render import to_markdown
from dlflask.evaluate.report import summarise


def main(argv: list[str] | None = None) -> int:
    """Evaluate as the command line says and return the exit status."""
    parser = _parser()
    options = parser.parse_args(argv)
    paths = [*options.digits, *options.non_digits]
    if not paths and not options.numbers:
        parser.error(
            "name a folder or an .npz file of digits, or --non-digits FOLDER, or --numbers FOLDER"
        )
    if paths and options.numbers:
        parser.error("--numbers was given together with other images; use a separate command")
    try:
        images, files_without_label = _find(options)
        opened, about = _open_service(options) if options.url else _open_model(options)
    except (FileNotFoundError, ValueError, ConnectionError, ModelError, ConfigError) as error:
        parser.error(str(error))
    started, started_cpu = time.monotonic(), time.process_time()
    with opened as reader:
        # Show progress on stderr, so that the report on stdout can be redirected to a file.
        cases = ask(reader, track(images, "Reading images", console=Console(stderr=True)))
    seconds, cpu_seconds = time.monotonic() - started, time.process_time() - started_cpu
    names = ", ".join(path.resolve().name for path in paths or [options.numbers])
    about |= {
        "images": f"{len(images):,} from {names}",
        "time": f"{seconds:.1f} s, {len(images) / seconds:.0f} images per second on "
        f"{platform.machine()}; this process used {cpu_seconds / len(images) * 1e3:.1f} ms of CPU "
        "time for each image",
    }
    report = summarise(cases, about, files_without_label, numbers=bool(options.numbers))
    text = to_markdown(report)
    if sys.stdout.isatty():
        Console().print(Markdown(text))
    else:
        sys.stdout.write(text)
    if folder := options.output:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_text(json.dumps(asdict(report), indent=2) + "\n", "utf-8")
        (folder / "report.md").write_text(text, encoding="utf-8")
        preview = preview_number if options.numbers else preview_digit
        draw_contact_sheet(choose_worst(cases), preview).save(folder / "worst.png")
    return 0


def _find(options: argparse.Namespace) -> tuple[list[LabelledImage], list[str]]:
    """Return the labelled images, and the names of files without a label."""
    if options.numbers:
        return find_numbers(options.numbers), []
    datasets = [find_digits(path) for path in options.digits]
    images = [image for dataset in datasets for image in dataset.images]
    images += [image for path in options.non_digits for image in find_non_digits(path)]
    return images, [name for dataset in datasets for name in dataset.without_label]


def _open_service(
    options: argparse.Namespace,
) -> tuple[AbstractContextManager[Reader], dict[str, Any]]:
    path = NUMBER_PATH if options.numbers else DIGIT_PATH
    return closing(DlflaskClient(options.url, options.key, path)), {"service": options.url}


def _open_model(
    options: argparse.Namespace,
) -> tuple[AbstractContextManager[Reader], dict[str, Any]]:
    config = replace_model(Config.from_environment(), options.model, number=bool(options.numbers))
    if options.numbers:
        numbers = load_number_recogniser(config)
        return nullcontext(read_by_recogniser(numbers)), {
            "model": config.number_model_path.name,
            "SHA-256": numbers.network.sha256,
            "verdict": f"number from {numbers.network.thresholds.number_from:.4f}; chosen on "
            f"{numbers.network.thresholds.chosen_on}",
        }
    digits = load_digit_recogniser(config)
    thresholds = digits.classifier.thresholds
    return nullcontext(read_by_recogniser(digits)), {
        "model": config.model_path.name,
        "SHA-256": digits.info.sha256,
        "description": digits.info.description,
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
