"""Shards: files of drawn fields, the images of numbers.

Several processes draw them before and during the training.
"""

from __future__ import annotations

import os
from concurrent.futures import Executor, Future
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlflask.numbers.characters import encode
from dlflask.numbers.normalization import HEIGHT, STRIP_PREPROCESSING
from dlflask.train.numbers.fields.field import draw_field, is_readable
from dlflask.train.numbers.fields.material import Material, load_material
from dlflask.train.numbers.fields.strings import MAX_CHARACTERS
from dlflask.train.numbers.parts import ALL, Parts

#: Widths in pixels of the strips (images of lines) for training, and the share of each width. A
#: narrower strip is padded with paper to the next of these widths.
WIDTHS, SHARES = (96, 160, 256), (0.25, 0.4375, 0.3125)

#: Number of values in a stored label. Shorter labels are padded with the blank, 0.
MAX_LABEL = MAX_CHARACTERS + 2


@dataclass(frozen=True)
class Plan:
    """Fields to draw.

    Attributes:
        seed: Seed of all fields.
        count: Number of shards.
        size: Number of fields in each shard, a multiple of 16.
        parts: Parts of the synthesis that are drawn.
    """

    seed: int
    count: int
    size: int = 4_096
    parts: Parts = ALL

    @property
    def name(self) -> str:
        """Return the name of the shards' folder, which is different for each plan."""
        left_out = [name for name, drawn in asdict(self.parts).items() if not drawn]
        return "-".join([f"fields{STRIP_PREPROCESSING}", str(self.seed), str(self.size), *left_out])

    def quotas(self) -> list[int]:
        """Return the number of fields in a shard for each of `WIDTHS`."""
        return [int(share * self.size) for share in SHARES]


@dataclass(frozen=True, eq=False)
class Shard:
    """Drawn fields (images of numbers) in one file.

    Attributes:
        strips: For each of `WIDTHS`, strips (N, 32, width) uint8.
        labels: For each of `WIDTHS`, encoded labels (N, MAX_LABEL) uint8 of the strips.
    """

    strips: list[NDArray[np.uint8]]
    labels: list[NDArray[np.uint8]]

    def save(self, path: Path) -> None:
        """Write the shard to `path`. A file at `path` is complete, even after an interruption."""
        arrays: dict[str, Any] = {f"strips{i}": each for i, each in enumerate(self.strips)}
        arrays |= {f"labels{i}": each for i, each in enumerate(self.labels)}
        unfinished = path.with_suffix(f".{os.getpid()}.npz")
        np.savez(unfinished, **arrays)
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> Shard:
        """Read the shard from `path`."""
        with np.load(path) as file:
            return cls(
                [file[f"strips{i}"] for i in range(len(WIDTHS))],
                [file[f"labels{i}"] for i in range(len(WIDTHS))],
            )


def draw_shard(material: Material, plan: Plan, index: int) -> Shard:
    """Draw shard `index` of `plan`. The same arguments give the same fields."""
    rng = np.random.default_rng((plan.seed, index))
    quotas = plan.quotas()
    strips = [
        np.zeros((n, HEIGHT, width), np.uint8) for n, width in zip(quotas, WIDTHS, strict=True)
    ]
    labels = [np.zeros((n, MAX_LABEL), np.uint8) for n in quotas]
    filled = [0] * len(WIDTHS)
    while filled != quotas:
        pixels, label = draw_field(material, plan.parts, rng)
        width = pixels.shape[1]
        if width > WIDTHS[-1] or not is_readable(label, width):
            continue
        width_index = next(i for i, limit in enumerate(WIDTHS) if width <= limit)
        if filled[width_index] < quotas[width_index]:
            strips[width_index][filled[width_index], :, :width] = pixels
            labels[width_index][filled[width_index], : len(label)] = encode(label)
            filled[width_index] += 1
    return Shard(strips, labels)


class ShardMaker:
    """Draws those shards of a plan that are missing in a folder, in several processes."""

    def __init__(self, executor: Executor, material: Path, plan: Plan, folder: Path) -> None:
        """Start drawing.

        Args:
            executor: Runs the processes.
            material: Folder of the material, the strokes of characters.
            plan: Fields to draw.
            folder: Folder of the shards.
        """
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._started: dict[int, Future[None]] = {}
        for index in range(plan.count):
            path = self._path(index)
            if not path.is_file():
                self._started[index] = executor.submit(_make, material, plan, index, path)

    def load(self, index: int) -> Shard:
        """Return the shard `index`. Wait until it is drawn if necessary."""
        if index in self._started:
            self._started[index].result()
        return Shard.load(self._path(index))

    def _path(self, index: int) -> Path:
        return self._folder / f"{index:05d}.npz"


def _make(material: Path, plan: Plan, index: int, path: Path) -> None:
    draw_shard(load_material(material), plan, index).save(path)
