"""Export of a trained number network, and its model card."""

from __future__ import annotations

import hashlib
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

import keras

from dlflask.inference.model_file import write_number_network
from dlflask.numbers.characters import ALPHABET, BLANK, NumberNetwork
from dlflask.numbers.normalization import HEIGHT, STRIDE, STRIP_PREPROCESSING
from dlflask.train.numbers.model_card import NumberCard, NumberScore
from dlflask.train.numbers.network import add_softmax, count_multiply_adds
from dlflask.train.numbers.recipe import NumberRecipe

#: Width in pixels of a strip (the image of a line) with ten digits. The model card states the
#: number of multiply-adds for such a strip.
TEN_DIGITS = 176


@dataclass(frozen=True)
class NumberRun:
    """Recipe of a training run, its numbers of MNIST digits and of fonts, and its duration."""

    recipe: NumberRecipe
    num_digits: int
    num_fonts: int
    seconds: float


def save(model: keras.Model, path: Path) -> keras.Model:
    """Save the network to `path`, with probabilities as outputs, and load it again.

    The file also contains a description of the network, such as its alphabet.
    """
    add_softmax(model).save(path, include_optimizer=False)
    network = NumberNetwork(ALPHABET, BLANK, HEIGHT, STRIDE, STRIP_PREPROCESSING)
    write_number_network(path, network.to_json())
    saved: keras.Model = keras.models.load_model(path, compile=False)
    return saved


def build_card(
    model: keras.Model, path: Path, held_back: NumberScore, run: NumberRun
) -> NumberCard:
    """Return the model card of `model`, which is stored in the file `path`."""
    return NumberCard(
        num_parameters=model.count_params(),
        num_multiply_adds=count_multiply_adds(model, TEN_DIGITS),
        file_bytes=path.stat().st_size,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        alphabet=ALPHABET,
        held_back=held_back,
        num_fields=run.recipe.shards * run.recipe.plan().size,
        num_digits=run.num_digits,
        num_fonts=run.num_fonts,
        recipe=asdict(run.recipe),
        seconds=run.seconds,
        environment=f"{os.cpu_count()} x {platform.machine()} cores, Keras {keras.__version__} "
        f"on {keras.backend.backend()}",
    )
