"""`python -m bench numbers FOLDER`: compare readers of whole numbers on labelled images."""

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
from pathlib import Path

from rich.console import Console
from rich.progress import track

from bench.numbers.processes import ReaderError, ReaderProcess, start
from bench.numbers.readers import OF_PEERS, READERS, SLOW
from bench.numbers.table import Row, summarise, to_markdown, write
from dlflask.evaluate.dataset import LabelledImage
from dlflask.evaluate.numbers.dataset import find_numbers

#: Seed of the random choice of images if their number is limited.
SEED = 1

#: Maximum number of images of each source for RapidOCR, which needs seconds for some images.
RAPIDOCR_LIMIT = 50

EXAMPLES = """\
examples:
  python -m bench numbers images/               all images below images/
  python -m bench numbers images/ --limit 200   200 images of each source, the same in each run
  python -m bench numbers images/ --readers dlflask tesseract

FOLDER has the same form as for `python -m dlflask.evaluate --numbers`. If a reader is missing, the
report gives the command that installs it.
"""


def main(arguments: Sequence[str]) -> int:
    """Measure the readers and print the report."""
    parser = _parser()
    options = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        images = choose(find_numbers(options.folder), options.limit)
        for_rapidocr = {image.name for image in choose(images, options.rapidocr_limit)}
        rows = measure(options.folder, images, for_rapidocr, _pythons(options))
    except (OSError, ValueError, ReaderError) as error:
        parser.exit(1, f"{error}\n")
    counts = Counter(image.source for image in images)
    about = {
        "command": _command(options),
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

    `SEED` makes every call choose the same images.
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
    for_rapidocr: Collection[str],
    pythons: dict[str, str],
) -> list[Row]:
    """Read image by image: each image is read by every reader in turn.

    Args:
        folder: Folder to which the names of the images are relative.
        images: Labelled images, at least one.
        for_rapidocr: Names of the images that RapidOCR also reads. It skips the others.
        pythons: Path of the Python in each reader's environment, by the name of the reader.

    Raises:
        ReaderError: The process of a reader ended too early.
    """
    console = Console(stderr=True)
    with ExitStack() as stack:
        readers: list[ReaderProcess] = [
            stack.enter_context(start(name, python)) for name, python in pythons.items()
        ]
        for reader in readers:
            reader.warm_up(folder.resolve() / images[0].name)
        for image in track(images, "Reading images", console=console):
            for reader in readers:
                if reader.measured.name in SLOW and image.name not in for_rapidocr:
                    continue
                reader.read(image, folder.resolve() / image.name)
        return [summarise(reader.measured) for reader in readers]


def _command(options: argparse.Namespace) -> str:
    """Return the command for the report, without the paths of this machine."""
    limits = ["--limit", str(options.limit)] if options.limit else []
    limits += ["--rapidocr-limit", str(options.rapidocr_limit)]
    return shlex.join(["python", "-m", "bench", "numbers", options.folder.name, *limits])


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"received {number}; expected 1 or more")
    return number


def _pythons(options: argparse.Namespace) -> dict[str, str]:
    return {
        name: options.peers_python if name in OF_PEERS else options.service_python
        for name in options.readers
    }


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
        type=_positive,
        metavar="N",
        help="at most N images of each source (default: all)",
    )
    text = (
        "at most N images of each source for RapidOCR, which needs several seconds for some images "
        f"(default: {RAPIDOCR_LIMIT})"
    )
    add("--rapidocr-limit", type=_positive, default=RAPIDOCR_LIMIT, metavar="N", help=text)
    add("--readers", nargs="+", choices=READERS, default=list(READERS), help="default: all")
    for option, whose in (("--service-python", "service's"), ("--peers-python", "peers'")):
        text = f"Python of the {whose} environment (default: this one)"
        add(option, default=sys.executable, metavar="FILE", help=text)
    text = "also write NUMBERS.md and numbers.json to this folder"
    add("--output", type=Path, metavar="FOLDER", help=text)
    return parser
