"""Export of a trained number network, and its model card."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras

from dlflask.inference.model_file import write_number_network
from dlflask.numbers.characters import ALPHABET, BLANK, NumberNetwork
from dlflask.numbers.normalization import HEIGHT, STRIDE, STRIP_PREPROCESSING
from dlflask.train.numbers.network import add_softmax, count_multiply_adds
from dlflask.train.numbers.recipe import NumberRecipe
from dlflask.train.numbers.scoring import NumberScore

#: Width of the strip of ten digits, in pixels, for which multiply-adds are counted.
TEN_DIGITS = 176


@dataclass(frozen=True)
class NumberRun:
    """Recipe, material and duration of a training run."""

    recipe: NumberRecipe
    num_digits: int
    num_fonts: int
    seconds: float


@dataclass(frozen=True)
class NumberCard:
    """Facts about a number model. Rates are fractions of 1."""

    num_parameters: int
    num_multiply_adds: int
    file_bytes: int
    sha256: str
    alphabet: str
    held_back: NumberScore
    num_fields: int
    num_digits: int
    num_fonts: int
    recipe: dict[str, Any]
    seconds: float
    versions: str

    def write(self, path: Path) -> None:
        """Write the card as JSON to `path`."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> NumberCard:
        """Read the card from `path`."""
        values = json.loads(path.read_text(encoding="utf-8"))
        values["held_back"] = NumberScore(**values["held_back"])
        return cls(**values)

    def to_markdown(self) -> str:
        """Return the card as a Markdown table."""
        held = self.held_back
        rows = (
            ("Parameters", f"{self.num_parameters:,}"),
            ("Multiply-adds for ten digits", f"{self.num_multiply_adds / 1e6:.1f} million"),
            ("File", f"{self.file_bytes / 1e6:.2f} MB"),
            ("SHA-256", f"`{self.sha256}`"),
            (
                "Trained on",
                f"{self.num_fields:,} fields drawn from {self.num_digits:,} MNIST digits, digits "
                f"drawn by code, and {self.num_fonts} fonts; seen {self.recipe['epochs']} times",
            ),
            (
                "Fields held back",
                f"{held.whole:.2%} of {held.count:,} right, {held.digits:.2%} without separators, "
                f"{held.digits_only:.2%} if only digits may be read; "
                f"{held.character_errors:.2%} of characters wrong",
            ),
            (
                "Run",
                f"seed {self.recipe['seed']}, {self.seconds / 60:.0f} minutes on {self.versions}",
            ),
        )
        lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
        return "\n".join(lines) + "\n"


def save(model: keras.Model, path: Path) -> keras.Model:
    """Save the network, with probabilities as outputs, and its description; load it again."""
    add_softmax(model).save(path, include_optimizer=False)
    network = NumberNetwork(ALPHABET, BLANK, HEIGHT, STRIDE, STRIP_PREPROCESSING)
    write_number_network(path, network.to_json())
    saved: keras.Model = keras.models.load_model(path, compile=False)
    return saved


def build_card(
    model: keras.Model, path: Path, held_back: NumberScore, run: NumberRun
) -> NumberCard:
    """Describe the model file at `path`."""
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
        versions=f"{os.cpu_count()} x {platform.machine()} cores, Keras {keras.__version__} "
        f"on {keras.backend.backend()}",
    )
