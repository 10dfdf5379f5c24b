"""`python -m dlflask.evaluate --numbers FOLDER`: measure how well numbers in images are read."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import track

from dlflask.cli.predict import load_number_recogniser
from dlflask.client import NUMBER_PATH, DlflaskClient
from dlflask.config import Config
from dlflask.errors import ConfigError, ModelError
from dlflask.evaluate.numbers.contact_sheet import choose_worst_numbers, draw_number_sheet
from dlflask.evaluate.numbers.dataset import find_numbers
from dlflask.evaluate.numbers.outcomes import NumberReader, ask_numbers, read_by_recogniser
from dlflask.evaluate.numbers.report import summarise_numbers, to_number_markdown


def evaluate_numbers(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Evaluate as the command line says and return the exit status."""
    try:
        images = find_numbers(options.numbers)
        reader, about = _open(options)
    except (FileNotFoundError, ValueError, ConnectionError, ModelError, ConfigError) as error:
        parser.error(str(error))
    started, started_cpu = time.monotonic(), time.process_time()
    with reader as read:
        cases = ask_numbers(read, track(images, "Reading images", console=Console(stderr=True)))
    seconds, cpu = time.monotonic() - started, time.process_time() - started_cpu
    about |= {
        "images": f"{len(images):,} from {options.numbers.resolve().name}",
        "time": f"{seconds:.1f} s; this process used {cpu / len(images) * 1e3:.1f} ms of CPU time "
        "for each image",
    }
    report = summarise_numbers(cases, about)
    text = to_number_markdown(report)
    if sys.stdout.isatty():
        Console().print(Markdown(text))
    else:
        sys.stdout.write(text)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        report.write(options.output / "report.json")
        (options.output / "report.md").write_text(text, encoding="utf-8")
        draw_number_sheet(choose_worst_numbers(cases)).save(options.output / "worst.png")
    return 0


def _open(
    options: argparse.Namespace,
) -> tuple[AbstractContextManager[NumberReader], dict[str, Any]]:
    if options.url:
        return closing(DlflaskClient(options.url, options.key, NUMBER_PATH)), {
            "service": options.url
        }
    chosen = {"number_model_path": options.model} if options.model else {}
    recogniser = load_number_recogniser(replace(Config.from_environment(), **chosen))
    thresholds = recogniser.network.thresholds
    return nullcontext(read_by_recogniser(recogniser)), {
        "SHA-256": recogniser.network.sha256,
        "verdict": f"number from {thresholds.number_from:.4f}; chosen on {thresholds.chosen_on}",
    }
