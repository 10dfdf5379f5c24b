"""`python -m dlflask.evaluate DIR_OR_NPZ...`: how well a model or a service reads pictures.

Every picture goes through the functions of the service: bytes, ink, tensor, prediction.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from dlflask.client import Service
from dlflask.config import Config
from dlflask.errors import ConfigError, ModelError
from dlflask.evaluate.contact_sheet import choose_worst, draw_sheet
from dlflask.evaluate.dataset import Picture, find_digits, find_non_digits
from dlflask.evaluate.outcomes import Answer, Reader, ask, read_by_model
from dlflask.evaluate.render import to_markdown
from dlflask.evaluate.report import summarise


def main(argv: list[str] | None = None) -> int:
    """Find the pictures, ask about each, report."""
    parser = _parser()
    options = parser.parse_args(argv)
    if not options.digits and not options.non_digits:
        parser.error("name a folder or an .npz file of digits, or --non-digits FOLDER")
    try:
        pictures, unlabelled = _find(options.digits, options.non_digits)
        reader, about = _open_service(options.url) if options.url else _open_model(options.model)
    except (FileNotFoundError, ValueError, ConnectionError, ModelError, ConfigError) as fault:
        parser.error(str(fault))
    with reader as read:
        answers, seconds = _ask(read, pictures)
    about |= {
        "pictures": f"{len(pictures):,} from "
        + ", ".join(path.name or str(path) for path in [*options.digits, *options.non_digits]),
        "time": f"{seconds:.1f} s, {len(pictures) / seconds:.0f} pictures a second on "
        f"{platform.machine()}",
    }
    report = summarise(answers, about, unlabelled)
    text = to_markdown(report)
    print(text)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        report.write(options.output / "report.json")
        (options.output / "report.md").write_text(text, encoding="utf-8")
        draw_sheet(choose_worst(answers)).save(options.output / "worst.png")
    return 0


def _find(digits: list[Path], non_digits: list[Path]) -> tuple[list[Picture], list[str]]:
    pictures: list[Picture] = []
    unlabelled: list[str] = []
    for path in digits:
        found = find_digits(path)
        pictures += found.pictures
        unlabelled += found.unlabelled
    for path in non_digits:
        pictures += find_non_digits(path)
    return pictures, unlabelled


def _open_service(url: str) -> tuple[AbstractContextManager[Reader], dict[str, Any]]:
    return closing(Service(url)), {"service": url}


def _open_model(path: Path | None) -> tuple[AbstractContextManager[Reader], dict[str, Any]]:
    # Keras takes seconds to import, and asking a service does without it.
    from dlflask.digits.classifier import Classifier  # noqa: PLC0415

    path = path or Config.from_environment().model_path
    classifier = Classifier(path)
    thresholds = classifier.thresholds
    return nullcontext(read_by_model(classifier)), {
        "model": path.name,
        "SHA-256": classifier.sha256,
        "verdict": f"digit from {thresholds.unsure_below:.4f}, not_a_digit above "
        f"{thresholds.not_a_digit_above:.4f}; chosen on {thresholds.chosen_on}",
    }


def _ask(reader: Reader, pictures: list[Picture]) -> tuple[list[Answer], float]:
    started = time.monotonic()
    # On stderr, so that the report can be sent to a file.
    answers = ask(reader, track(pictures, "Reading pictures", console=Console(stderr=True)))
    return answers, time.monotonic() - started


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dlflask.evaluate",
        description="Measure how well digits in pictures are read.",
    )
    parser.add_argument(
        "digits",
        type=Path,
        nargs="*",
        metavar="DIR_OR_NPZ",
        help="pictures as LABEL/FILE or SOURCE/LABEL/FILE, or an .npz file with x and y, or "
        "x_test and y_test",
    )
    parser.add_argument(
        "--non-digits",
        type=Path,
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="pictures of what is no digit, as SOURCE/FILE",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="the model to evaluate (default: the one that the service serves)",
    )
    what.add_argument(
        "--url",
        help="ask a running service instead, as in http://127.0.0.1:8000",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="write report.json, report.md and worst.png, a picture of the worst answers, here",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
