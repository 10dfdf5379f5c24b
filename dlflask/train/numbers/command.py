"""`python -m dlflask.train numbers`: train number_model.h5 and write its model card."""

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

#: Default of --fonts.
FONTS = Path("build/fonts")

#: Default of --output, and of --output with --fast, whose model is not good enough to serve.
OUTPUT, FAST_OUTPUT = Path("number_model.h5"), Path("build/fast_numbers.h5")

#: Default of --learning-rate with --from: a higher rate would undo what the weights have learnt.
CONTINUED_RATE = 1e-3

#: A fast run only checks that everything works.
FAST = NumberRecipe(shards=1, epochs=2, batch_size=16, drawn=200)
FAST_DIGITS = 300

#: Seed of the fields that score the model, none of which it was trained on.
VALIDATION_SEED = 1_000_003


def main(arguments: list[str]) -> int:
    """Draw fields, train the number network on them, save it and write its model card."""
    options = _parser().parse_args(arguments)
    try:
        data = load_mnist(options.data)
        fonts = _find_fonts(options)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    # Keras takes seconds to import, which help and errors need not wait for.
    from dlflask.train.numbers.export import NumberRun, build_card, save  # noqa: PLC0415
    from dlflask.train.numbers.scoring import score_shard  # noqa: PLC0415
    from dlflask.train.numbers.trainer import fit, load_weights  # noqa: PLC0415

    output: Path = options.output or (FAST_OUTPUT if options.fast else OUTPUT)
    try:
        recipe = _recipe(options)
        weights = load_weights(options.start) if options.start else None
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    folder: Path = options.checkpoints / recipe.name
    started = time.monotonic()
    if options.fast:
        data = data.head(FAST_DIGITS)
    # Processes of several threads each would wait for each other.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    context = get_context("forkserver" if os.name == "posix" else "spawn")
    with ProcessPoolExecutor(options.workers, context) as executor:
        few = FAST_DIGITS if options.fast else None
        validation = Source(data.x_validation[:few], data.y_validation[:few], fonts)
        held_back = _draw_held_back(validation, recipe, folder / "held_back", executor)
        source = Source(data.x_train, data.y_train, fonts)
        material = _prepare(source, recipe, folder / "material", executor)
        print(
            f"Drawing {recipe.shards * recipe.plan().size:,} fields with {len(fonts)} fonts on "
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
    """Return the fonts in the folder of --fonts, downloaded if need be, and printed ones."""
    folder: Path = options.fonts
    written = find_fonts(folder)
    # A folder of the user's own may hold a selection.
    if not options.fast and (not written or folder == FONTS):
        print(f"Looking for {len(FAMILIES)} handwriting fonts in {folder}", flush=True)
        written = download_fonts(folder)
    return written + printed_fonts()


def _prepare(source: Source, recipe: NumberRecipe, folder: Path, executor: Executor) -> Path:
    """Make the material in `folder`, unless an interrupted run has made it."""
    if not (folder / "rest.pickle").is_file():
        save_material(make_material(source, recipe.seed, executor, recipe.drawn), folder)
    return folder


def _draw_held_back(
    source: Source, recipe: NumberRecipe, folder: Path, executor: Executor
) -> ShardMaker:
    """Draw one shard of fields from MNIST's validation digits, with all parts."""
    seeded = replace(recipe, seed=VALIDATION_SEED, shards=1, parts=Parts(), drawn=1_000)
    material = _prepare(source, seeded, folder, executor)
    return ShardMaker(executor, material, seeded.plan(), folder)


def _recipe(options: argparse.Namespace) -> NumberRecipe:
    start: Path | None = options.start
    rate = options.learning_rate
    return replace(
        FAST if options.fast else NumberRecipe(shards=options.shards, epochs=options.epochs),
        seed=options.seed,
        parts=Parts().without(*options.without),
        start=hashlib.sha256(start.read_bytes()).hexdigest() if start else "",
        learning_rate=rate or (CONTINUED_RATE if start else NumberRecipe.learning_rate),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dlflask.train numbers", description=__doc__)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help=f"the model file; its model card is written beside it as .json "
        f"(default: {OUTPUT}, with --fast {FAST_OUTPUT})",
    )
    parser.add_argument(
        "--shards",
        type=int,
        default=NumberRecipe.shards,
        help="files of 4,096 fields to draw (default: %(default)s)",
    )
    parser.add_argument(
        "--epochs",
        type=int,
        default=NumberRecipe.epochs,
        help="passes over all fields (default: %(default)s)",
    )
    parser.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="MODEL",
        help="a number model whose weights the training continues, at a lower learning rate "
        "(default: new weights)",
    )
    parser.add_argument(
        "--learning-rate",
        type=float,
        metavar="RATE",
        help=f"largest learning rate (default: {NumberRecipe.learning_rate}, with --from "
        f"{CONTINUED_RATE})",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=NumberRecipe.seed,
        help="seed of fields, weights and order (default: %(default)s)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=os.cpu_count() or 1,
        help="processes that draw fields (default: one for each processor core)",
    )
    parser.add_argument(
        "--without",
        nargs="+",
        choices=NAMES,
        default=[],
        metavar="PART",
        help=f"parts of the synthesis to leave out, for an ablation: {', '.join(NAMES)} "
        "(default: none)",
    )
    parser.add_argument(
        "--data",
        metavar="FILE",
        help=f"an mnist.npz in Keras's layout (default: {MNIST_VARIABLE} if set, else a download)",
    )
    parser.add_argument(
        "--fonts",
        type=Path,
        default=FONTS,
        metavar="FOLDER",
        help="handwriting fonts; downloaded by npm if the folder has none of them, except with "
        "--fast (default: %(default)s)",
    )
    parser.add_argument(
        "--checkpoints",
        type=Path,
        default=Path("build/train_numbers"),
        metavar="FOLDER",
        help="fields and checkpoints, from which an interrupted run resumes; removed at the end "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--fast",
        action="store_true",
        help="train for seconds on few fields, to check that training works",
    )
    return parser
