"""`python -m dlflask.train numbers`: train the network number_model.h5 and write its model card."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
import time
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # hides TensorFlow's start-up notices

from dlflask.train.data import MNIST_VARIABLE, load_mnist
from dlflask.train.numbers.fields.font_files import (
    FAMILIES,
    download_fonts,
    find_fonts,
    printed_fonts,
)
from dlflask.train.numbers.fields.material import Source, make_material, save_material
from dlflask.train.numbers.parts import NAMES, Parts
from dlflask.train.numbers.recipe import NumberRecipe
from dlflask.train.numbers.shards import ShardMaker
from dlflask.train.synthesis.unipen import Writer, read_unipen

#: Default of --fonts.
FONTS = Path("build/fonts")

#: Defaults of --output: without --fast, and with --fast. A model trained with --fast is not good
#: enough for the service, so it must not replace number_model.h5.
OUTPUT, FAST_OUTPUT = Path("number_model.h5"), Path("build/fast_numbers.h5")

#: Default of --learning-rate with --from. A higher rate would undo what the model has learnt.
CONTINUED_RATE = 1e-3

#: Recipe with --fast, which only checks that training works.
FAST = NumberRecipe(shards=1, epochs=2, batch_size=16, drawn=200)

#: Number of MNIST digits with --fast, for training and for validation.
FAST_DIGITS = 300

#: From each group of this many writers of UNIPEN, one is kept for the fields on which the model is
#: scored.
WRITERS_PER_HELD_BACK = 10

#: Seed of the fields on which the model is scored. It differs from the seeds in training, so the
#: model has not seen these fields.
VALIDATION_SEED = 1_000_003


def main(arguments: list[str]) -> int:
    """Draw fields, train the number network on them, save it and write its model card."""
    options = _parser().parse_args(arguments)
    try:
        data = load_mnist(options.data)
        fonts = _find_fonts(options)
        writers = read_unipen(options.unipen) if options.unipen else []
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    # Keras takes seconds to import. It is imported only here, so that --help and the errors above
    # do not have to wait for it.
    from dlflask.train.numbers.export import NumberRun, build_card, save  # noqa: PLC0415
    from dlflask.train.numbers.scoring import score_shard  # noqa: PLC0415
    from dlflask.train.numbers.trainer import fit, load_weights  # noqa: PLC0415

    output: Path = options.output or (FAST_OUTPUT if options.fast else OUTPUT)
    try:
        recipe = _recipe(options, len(writers))
        weights = load_weights(options.start) if options.start else None
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    folder: Path = options.checkpoints / recipe.name
    started = time.monotonic()
    if options.fast:
        data = data.head(FAST_DIGITS)
    # Use one thread in each process. There is a process for each processor core, so further threads
    # would only wait for each other.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    context = get_context("forkserver" if os.name == "posix" else "spawn")
    with ProcessPoolExecutor(options.workers, context) as executor:
        few = FAST_DIGITS if options.fast else None
        held, used = _split(writers)
        validation = Source(data.x_validation[:few], data.y_validation[:few], fonts, held)
        held_back = _draw_held_back(validation, recipe, folder / "held_back", executor)
        source = Source(data.x_train, data.y_train, fonts, used)
        material = _prepare(source, recipe, folder / "material", executor)
        print(
            f"Drawing {recipe.shards * recipe.plan().size:,} fields with {len(fonts)} fonts in "
            f"{options.workers} processes, and training on them",
            flush=True,
        )
        maker = ShardMaker(executor, material, recipe.plan(), folder / "shards")
        model = fit(maker, recipe, folder, weights=weights, verbose=1 if sys.stdout.isatty() else 2)
    output.parent.mkdir(parents=True, exist_ok=True)
    saved = save(model, output)
    run = NumberRun(recipe, len(data.x_train), len(fonts), time.monotonic() - started)
    card = build_card(saved, output, score_shard(saved, held_back.load(0)), run)
    card.write(output.with_suffix(".json"))
    shutil.rmtree(folder)
    print(card.to_markdown())
    print(f"wrote {output} and {output.with_suffix('.json')}")
    return 0


def _find_fonts(options: argparse.Namespace) -> list[Path]:
    """Return the handwriting fonts in the folder of --fonts, and the printed fonts.

    Download missing handwriting fonts first, but never with --fast.
    """
    folder: Path = options.fonts
    handwriting = find_fonts(folder)
    # If the user names another folder than the default, and it contains fonts, do not add any: the
    # user may have selected these fonts.
    if not options.fast and (not handwriting or folder == FONTS):
        print(
            f"Downloading missing handwriting fonts to {folder} ({len(FAMILIES)} in total)",
            flush=True,
        )
        handwriting = download_fonts(folder)
    return handwriting + printed_fonts()


def _split(writers: list[Writer]) -> tuple[list[Writer], list[Writer]]:
    """Return the writers that are kept to score the model, and the writers for the training."""
    held = writers[::WRITERS_PER_HELD_BACK]
    return held, [writer for i, writer in enumerate(writers) if i % WRITERS_PER_HELD_BACK]


def _prepare(source: Source, recipe: NumberRecipe, folder: Path, executor: Executor) -> Path:
    """Make the material (lines of digits and marks) in `folder`, and return `folder`.

    An interrupted run may have made the material already.
    """
    if not (folder / "rest.pickle").is_file():
        save_material(make_material(source, recipe.seed, executor, recipe.drawn), folder)
    return folder


def _draw_held_back(
    source: Source, recipe: NumberRecipe, folder: Path, executor: Executor
) -> ShardMaker:
    """Draw one shard, a file of fields, from MNIST's validation digits.

    Use all parts of the synthesis, including the parts that `recipe` leaves out.
    """
    seeded = replace(recipe, seed=VALIDATION_SEED, shards=1, parts=Parts(), drawn=1_000)
    material = _prepare(source, seeded, folder, executor)
    return ShardMaker(executor, material, seeded.plan(), folder)


def _recipe(options: argparse.Namespace, num_writers: int) -> NumberRecipe:
    start: Path | None = options.start
    rate = options.learning_rate
    return replace(
        FAST if options.fast else NumberRecipe(shards=options.shards, epochs=options.epochs),
        seed=options.seed,
        parts=Parts().without(*options.without),
        writers=num_writers,
        start=hashlib.sha256(start.read_bytes()).hexdigest() if start else "",
        learning_rate=rate or (CONTINUED_RATE if start else NumberRecipe.learning_rate),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dlflask.train numbers", description=__doc__)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help=f"model file to write; the model card gets the same name, but with .json "
        f"(default: {OUTPUT}, with --fast {FAST_OUTPUT})",
    )
    parser.add_argument(
        "--shards",
        type=int,
        default=NumberRecipe.shards,
        help="number of files of 4,096 fields to draw (default: %(default)s)",
    )
    parser.add_argument(
        "--epochs",
        type=int,
        default=NumberRecipe.epochs,
        help="number of passes over all fields (default: %(default)s)",
    )
    parser.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="MODEL",
        help="number model from whose weights the training starts, with a lower learning rate "
        "(default: random weights)",
    )
    parser.add_argument(
        "--learning-rate",
        type=float,
        metavar="RATE",
        help=f"maximum learning rate (default: {NumberRecipe.learning_rate}, with --from "
        f"{CONTINUED_RATE})",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=NumberRecipe.seed,
        help="seed of the fields, the initial weights and the order of the batches "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=os.cpu_count() or 1,
        help="number of processes that draw fields (default: one for each processor core)",
    )
    parser.add_argument(
        "--without",
        nargs="+",
        choices=NAMES,
        default=[],
        metavar="PART",
        help="parts of the drawing that are left out, to measure how much they help: "
        f"{', '.join(NAMES)} "
        "(default: none)",
    )
    parser.add_argument(
        "--data",
        metavar="FILE",
        help=f"MNIST as an mnist.npz in Keras's layout (default: the file that the environment "
        f"variable {MNIST_VARIABLE} names; if it is not set, MNIST is downloaded)",
    )
    parser.add_argument(
        "--fonts",
        type=Path,
        default=FONTS,
        metavar="FOLDER",
        help="folder of handwriting fonts; if it contains no such fonts, npm downloads them, "
        "except with --fast (default: %(default)s)",
    )
    parser.add_argument(
        "--unipen",
        type=Path,
        metavar="FOLDER",
        help="folder of UNIPEN's release train_r01_v07 (doi.org/10.5281/zenodo.1195803), whose "
        "digits are also drawn (default: none)",
    )
    parser.add_argument(
        "--checkpoints",
        type=Path,
        default=Path("build/train_numbers"),
        metavar="FOLDER",
        help="fields and checkpoints, from which an interrupted run resumes; they are removed at "
        "the end (default: %(default)s)",
    )
    parser.add_argument(
        "--fast",
        action="store_true",
        help="train for seconds on few fields, to check that training works",
    )
    return parser
