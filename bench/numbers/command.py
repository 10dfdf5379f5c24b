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
from dlflask.evaluate.numbers.dataset import NumberImage, find_numbers

#: Seed of the images that a limit keeps.
SEED = 1

#: Images of each source for RapidOCR, which takes seconds for one.
RAPIDOCR_LIMIT = 50

EXAMPLES = """\
examples:
  python -m bench numbers images/               all images below images/
  python -m bench numbers images/ --limit 200   200 of each source, chosen by a seed
  python -m bench numbers images/ --readers dlflask tesseract

FOLDER is as for `python -m dlflask.evaluate --numbers`. A reader that is not installed is reported
with the command that installs it.
"""


def main(arguments: Sequence[str]) -> int:
    """Measure and print the report."""
    parser = _parser()
    options = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        images = choose(find_numbers(options.folder), options.limit)
        few = {image.name for image in choose(images, options.rapidocr_limit)}
        rows = measure(options.folder, images, few, _pythons(options))
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


def choose(images: Sequence[NumberImage], limit: int | None) -> list[NumberImage]:
    """Return at most `limit` images of each source, chosen by `SEED`, in their order."""
    by_source = defaultdict(list)
    for image in images:
        by_source[image.source].append(image)
    draw = random.Random(SEED)  # noqa: S311  a sample of images
    kept = []
    for of_source in by_source.values():
        count = min(limit or len(of_source), len(of_source))
        kept += [of_source[i] for i in sorted(draw.sample(range(len(of_source)), count))]
    return kept


def measure(
    folder: Path, images: Sequence[NumberImage], few: Collection[str], pythons: dict[str, str]
) -> list[Row]:
    """Let the readers take turns, image by image.

    Args:
        folder: Folder to which the names of the images are relative.
        images: Labelled images; one at least.
        few: Names of the images that RapidOCR reads, too.
        pythons: Python of each reader's environment, by name.

    Raises:
        ReaderError: The process of a reader ended.
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
                if reader.measured.name in SLOW and image.name not in few:
                    continue
                reader.read(image, folder.resolve() / image.name)
        return [summarise(reader.measured) for reader in readers]


def _command(options: argparse.Namespace) -> str:
    """Return the command without the paths of this machine."""
    limit = ["--limit", str(options.limit)] if options.limit else []
    few = ["--rapidocr-limit", str(options.rapidocr_limit)]
    return shlex.join(["python", "-m", "bench", "numbers", options.folder.name, *limit, *few])


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
    add("folder", type=Path, metavar="FOLDER", help="SOURCE/labels.tsv: file, tab, number")
    add(
        "--limit",
        type=_positive,
        metavar="N",
        help="at most N images of each source (default: all)",
    )
    text = f"the same for RapidOCR, which takes seconds for an image (default: {RAPIDOCR_LIMIT})"
    add("--rapidocr-limit", type=_positive, default=RAPIDOCR_LIMIT, metavar="N", help=text)
    add("--readers", nargs="+", choices=READERS, default=list(READERS), help="default: all")
    for option, whose in (("--service-python", "service's"), ("--peers-python", "peers'")):
        text = f"Python of the {whose} environment (default: this one)"
        add(option, default=sys.executable, metavar="FILE", help=text)
    text = "also write NUMBERS.md and numbers.json there"
    add("--output", type=Path, metavar="FOLDER", help=text)
    return parser
