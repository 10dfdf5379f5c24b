"""Digits and non-digits from which a trained digit network learns "not a digit" further."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from dlflask.train.data import Mnist
from dlflask.train.numbers.cut_digits import make_cut_digits
from dlflask.train.numbers.fields.font_files import printed_fonts
from dlflask.train.numbers.fields.material import Source, make_material, save_material
from dlflask.train.synthesis.other_scripts import draw_other_scripts
from dlflask.train.synthesis.synthetic_negatives import draw_negatives
from dlflask.train.synthesis.unipen import read_letters, read_unipen
from dlflask.train.training_pool import TrainingPool, add_written

#: Number of fields (images of numbers) from which digits are cut.
NUM_FIELDS = 32_000

#: Number of MNIST digits, and of digits drawn by code, from which the fields are made.
_NUM_MNIST, _NUM_DRAWN = 20_000, 8_000

_SEED = 7


def add_further_images(  # noqa: PLR0913  a folder and a number more than the data
    pool: TrainingPool,
    data: Mnist,
    unipen: Path | None,
    number_model: Path,
    folder: Path,
    *,
    num_fields: int,
) -> TrainingPool:
    """Return `pool` with more drawn non-digits, cut digits, and UNIPEN's digits and letters.

    Args:
        pool: Pool without them.
        data: MNIST. Its training digits are used.
        unipen: Folder of UNIPEN's release; None for no digits and letters of UNIPEN.
        number_model: Number model that finds the digits to cut.
        folder: Folder for temporary files.
        num_fields: Number of fields from which digits are cut.

    Raises:
        ModelError: `number_model` is missing or damaged, or is another model.
        FileNotFoundError: `unipen` contains no digits or no letters of UNIPEN.
    """
    writers = read_unipen(unipen) if unipen else []
    if unipen:
        pool = add_written(pool, writers, read_letters(unipen))
    rng = np.random.default_rng(_SEED)
    num_negatives = len(data.x_train) // 3
    further = [draw_negatives(num_negatives, rng), draw_other_scripts(num_negatives, rng)]
    images, labels = data.x_train[:_NUM_MNIST], data.y_train[:_NUM_MNIST]
    source = Source(images, labels, printed_fonts(), writers)
    # Use one thread in each process. There is a process for each processor core, so further threads
    # would only wait for each other.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    context = get_context("forkserver" if os.name == "posix" else "spawn")
    with ProcessPoolExecutor(os.cpu_count(), context) as executor:
        size = min(_NUM_DRAWN, len(images))
        save_material(make_material(source, _SEED, executor, size), folder)
        cut, cut_labels = make_cut_digits(folder, number_model, num_fields, executor)
    negatives = np.concatenate([pool.negatives, *further])
    return replace(pool, negatives=negatives, cut=cut, cut_labels=cut_labels)
