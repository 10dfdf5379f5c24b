"""`python -m bench numbers FOLDER`: compare programs that read numbers (readers) on images."""

from __future__ import annotations

import argparse
import platform
import random
import shlex
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import track

from bench.numbers.processes import ReaderError, start
from bench.numbers.readers import OF_PEERS, READERS, SLOW
from bench.numbers.table import Row, to_markdown, write
from dlflask.evaluate.dataset import LabelledImage
from dlflask.evaluate.numbers.dataset import find_numbers
from dlflask.evaluate.numbers.report import keep_digits

#: Seed of the random choice of images if the command line limits their number.
SEED = 1

#: Default of --rapidocr-limit. RapidOCR needs several seconds for some images.
RAPIDOCR_LIMIT = 50

EXAMPLES = """\
examples:
  python -m bench numbers images/               all images below images/
  python -m bench numbers images/ --limit 200   at most 200 images of each source
  python -m bench numbers images/ --readers dlflask tesseract

FOLDER has the same form as for `python -m dlflask.evaluate --numbers`. For a reader that is not
installed, the report gives the command that installs it.
"""


def main(arguments: Sequence[str]) -> int:
    """Measure the readers and print the report."""
    parser = _parser()
    options = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        images = choose(find_numbers(options.folder), options.limit)
        few_images = choose(images, options.rapidocr_limit)
        pythons = {
            name: options.peers_python if name in OF_PEERS else options.service_python
            for name in options.readers
        }
        rows = measure(options.folder.resolve(), images, few_images, pythons)
    except (OSError, ValueError, ReaderError) as error:
        parser.exit(1, f"{error}\n")
    counts = Counter(image.source for image in images)
    limit = f" --limit {options.limit}" if options.limit else ""
    about = {
        # Leave out options that name paths of this machine.
        "command": f"python -m bench numbers {shlex.quote(options.folder.name)}{limit} "
        f"--rapidocr-limit {options.rapidocr_limit}",
        "images": ", ".join(f"{source} {count:,}" for source, count in counts.items()),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "time": f"{(time.monotonic() - started) / 60:.0f} minutes",
    }
    sys.stdout.write(to_markdown(about, rows))
    if options.output:
        write(options.output, about, rows)
    return 0


def choose(images: Sequence[LabelledImage], limit: int | None) -> list[LabelledImage]:
    """Return at most `limit` images of each source, in the order of `images`.

    The choice is random, but `SEED` makes it the same in each run.
    """
    by_source = defaultdict(list)
    for image in images:
        by_source[image.source].append(image)
    generator = random.Random(SEED)  # noqa: S311  it chooses images, not secrets
    kept = []
    for of_source in by_source.values():
        count = min(limit or len(of_source), len(of_source))
        kept += [of_source[i] for i in sorted(generator.sample(range(len(of_source)), count))]
    return kept


def measure(
    folder: Path,
    images: Sequence[LabelledImage],
    few_images: Collection[LabelledImage],
    pythons: dict[str, str],
) -> list[Row]:
    """Let every reader in turn read an image, then go on to the next image.

    Args:
        folder: Absolute path of the folder to which the names of the images are relative.
        images: Labelled images, at least one. Only the digits of the labels are compared.
        few_images: The part of `images` that the readers in `SLOW` read.
        pythons: Path of the Python in each reader's environment, by the name of the reader.

    Raises:
        ReaderError: The process of a reader ended too early.
    """
    with ExitStack() as stack:
        readers = [stack.enter_context(start(name, python)) for name, python in pythons.items()]
        ready = [reader for reader in readers if not reader.missing]
        for reader in ready:
            # A reader loads and compiles its model during its first image. Do not record this one.
            reader.ask(folder / images[0].name)
        for image in track(images, "Reading images", console=Console(stderr=True)):
            digits = replace(image, label=keep_digits(image.label or ""))
            for reader in ready:
                if reader.name not in SLOW or image in few_images:
                    reader.read(digits, folder / image.name)
        return [reader.to_row() for reader in readers]


def positive(text: str) -> int:
    """Convert the value of an option that must be at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"received {number}; expected at least 1")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench numbers",
        description="Compare this project with other readers of whole numbers on labelled images.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="folder with SOURCE/labels.tsv; a line of this table is a file, a tab and a number",
    )
    add(
        "--limit",
        type=positive,
        metavar="N",
        help="at most N images of each source (default: all)",
    )
    add(
        "--rapidocr-limit",
        type=positive,
        default=RAPIDOCR_LIMIT,
        metavar="N",
        help="at most N images of each source for RapidOCR, which needs several seconds for some "
        "images (default: %(default)s)",
    )
    add("--readers", nargs="+", choices=READERS, default=list(READERS), help="default: all")
    for option, readers in (("--service-python", "dlflask"), ("--peers-python", "RapidOCR")):
        add(
            option,
            default=sys.executable,
            metavar="FILE",
            help=f"Python program of the environment that contains {readers} (default: this one)",
        )
    add(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="also write NUMBERS.md and numbers.json to this folder",
    )
    return parser
