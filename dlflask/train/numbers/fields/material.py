"""Material of fields: lines of digits and of other marks, which a pen of any width can follow.

Marks are letters, signs and doodles, which are not part of a number.
"""

from __future__ import annotations

import pickle
import zlib
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from dlflask.train.data import Images, Labels
from dlflask.train.numbers.fields.hands import STYLES
from dlflask.train.numbers.fields.joined_zeros import COUNTS, draw_joined_zeros
from dlflask.train.synthesis.skeletonize import (
    FIELD_SIZE,
    Fields,
    Masks,
    distance_fields,
    enlarge,
    thin,
)
from dlflask.train.synthesis.stroke_drawing import draw, jitter
from dlflask.train.synthesis.synthetic_negatives import draw_negatives
from dlflask.train.synthesis.unipen import Writer

#: Letters that are drawn as unreadable characters. Letters that some people write like a digit are
#: left out, because the network should read such a letter as the digit.
LETTERS = "ACEFHKMNQRUVWXYadkmnprvwx"

#: Longer side of a font's character, in pixels of the mask, and font size at which the character is
#: drawn before it is scaled.
_SIDE, _POINTS = 40, 64
#: Minimum and maximum standard deviation of the random movement of points of a drawn digit, in
#: percent of the box.
_SPREADS = 2.0, 5.5


@dataclass(frozen=True)
class Source:
    """Digits and fonts from which the material is made.

    Attributes:
        images: MNIST's digits, (N, 28, 28) uint8.
        labels: Labels of `images`, (N,) uint8.
        fonts: Font files.
        writers: Digits of the writers of UNIPEN. They can be missing.
    """

    images: Images
    labels: Labels
    fonts: list[Path]
    writers: list[Writer] = field(default_factory=list)


@dataclass(frozen=True)
class Material:
    """Lines from which fields are drawn, as distance fields of (56, 56) uint8.

    Attributes:
        lines: (N, 56, 56), digits and other marks. MNIST's digits come first.
        boxes: (N, 4) int16, left, top, right and bottom of each line in its distance field.
        ink: (M, 28, 28) uint8, MNIST's own images of the first M lines.
        by_slant: For each digit, the indices of its lines from MNIST, ordered by slant from
            backward to forward. Neighbours in this order look as if one person had written them.
        by_style: For each digit and each of its drawn forms, the indices of the lines.
        by_font: For each font and each digit, the index of the line.
        by_writer: For each writer of UNIPEN and each digit, the indices of the lines. A writer may
            have no lines of a digit.
        writer_shares: Share of each writer of UNIPEN, in proportion to the square root of the
            number of lines. With equal shares, two thirds of the digits would come from
            three sources of one company, to which two thirds of the writers belong.
        joined_zeros: For each of `COUNTS`, the indices of the lines that show this number of zeros.
        marks: Indices of the lines of marks.
    """

    lines: Fields
    boxes: NDArray[np.int16]
    ink: Images
    by_slant: list[NDArray[np.intp]]
    by_style: list[list[NDArray[np.intp]]]
    by_font: list[list[int]]
    by_writer: list[list[NDArray[np.intp]]]
    writer_shares: NDArray[np.float64]
    joined_zeros: list[NDArray[np.intp]]
    marks: NDArray[np.intp]


def make_material(source: Source, seed: int, executor: Executor, size: int = 20_000) -> Material:
    """Make lines of MNIST's digits, of digits and marks drawn by code, and of fonts' characters.

    Args:
        source: Digits and fonts.
        seed: Seed of the drawn lines. The same seed gives the same material.
        executor: Executor that runs parts of the work in parallel.
        size: Number of digits drawn by code. A fortieth as many marks and joined
            zeros are drawn.
    """
    images, labels = source.images, source.labels
    chunks = np.array_split(images, 1 + len(images) // 1_000)
    forms = [(style, seed, size) for digit in range(10) for style in STYLES[digit]]
    parts = [
        *executor.map(_thin_images, chunks),
        *executor.map(_draw_style, *zip(*forms, strict=True)),
        *executor.map(_read_font, source.fonts),
        *executor.map(_draw_writer, source.writers),
        *(draw_joined_zeros(count, size // 40, seed) for count in COUNTS),
        executor.submit(draw_negatives, size // 40, np.random.default_rng(seed)).result(),
    ]
    ends = np.cumsum([len(part) for part in parts])
    # For each part after MNIST's digits, the indices of its lines.
    rest = iter(np.split(np.arange(ends[-1]), ends[:-1])[len(chunks) :])
    by_style = [[next(rest) for _ in STYLES[digit]] for digit in range(10)]
    fonts = [next(rest) for _ in source.fonts]
    by_writer = [
        [lines_of_writer[np.equal(writer.labels, digit)] for digit in range(10)]
        for writer, lines_of_writer in zip(source.writers, rest, strict=False)
    ]
    roots = np.sqrt([len(writer.labels) for writer in source.writers])
    lines = np.concatenate(parts)
    return Material(
        lines,
        _find_boxes(lines),
        images,
        [_sort_by_slant(images, np.flatnonzero(labels == digit)) for digit in range(10)],
        by_style,
        [font[:10].tolist() for font in fonts],
        by_writer,
        roots / max(1, roots.sum()),
        [next(rest) for _ in COUNTS],
        np.concatenate([*(font[10:] for font in fonts), next(rest)]),
    )


def save_material(material: Material, folder: Path) -> None:
    """Write the material to `folder`.

    The lines get a file of their own, which several processes can share in memory.
    """
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "lines.npy", material.lines)
    rest = replace(material, lines=material.lines[:0])
    (folder / "rest.pickle").write_bytes(pickle.dumps(rest))


@cache
def load_material(folder: Path) -> Material:
    """Read the material that `save_material` wrote."""
    rest: Material = pickle.loads((folder / "rest.pickle").read_bytes())  # noqa: S301  own file
    return replace(rest, lines=np.load(folder / "lines.npy", mmap_mode="r"))


def _thin_images(images: Images) -> Fields:
    return distance_fields(thin(enlarge(images)))


def _draw_style(style: str, seed: int, size: int) -> Fields:
    """Draw one form of a digit many times. All forms of all digits together make `size` lines."""
    rng = np.random.default_rng((seed, zlib.crc32(style.encode())))
    count = max(1, size // sum(map(len, STYLES.values())))
    figures = [jitter(style, rng, float(rng.uniform(*_SPREADS))) for _ in range(count)]
    return distance_fields(np.array([draw(figure) for figure in figures]))


def _draw_writer(writer: Writer) -> Fields:
    return distance_fields(np.array([draw(figure) for figure in writer.figures]))


def _read_font(path: Path) -> Fields:
    return distance_fields(thin(_characters(path, "0123456789" + LETTERS)))


def _characters(path: Path, characters: str) -> Masks:
    font = ImageFont.truetype(str(path), _POINTS)
    masks = np.zeros((len(characters), FIELD_SIZE, FIELD_SIZE), bool)
    for mask, character in zip(masks, characters, strict=True):
        image = Image.new("L", (4 * _POINTS, 4 * _POINTS))
        ImageDraw.Draw(image).text((_POINTS, _POINTS), character, fill=255, font=font)
        cut = image.crop(image.getbbox())
        scale = _SIDE / max(cut.size)
        cut = cut.resize((max(1, round(cut.width * scale)), max(1, round(cut.height * scale))))
        top, left = (FIELD_SIZE - cut.height) // 2, (FIELD_SIZE - cut.width) // 2
        mask[top : top + cut.height, left : left + cut.width] = np.asarray(cut) > 110
    return masks


def _find_boxes(lines: Fields) -> NDArray[np.int16]:
    on_line = lines == 0
    rows, columns = on_line.any(axis=2), on_line.any(axis=1)
    last = FIELD_SIZE - 1
    edges = (
        columns.argmax(axis=1),
        rows.argmax(axis=1),
        1 + last - columns[:, ::-1].argmax(axis=1),
        1 + last - rows[:, ::-1].argmax(axis=1),
    )
    return np.stack(edges, axis=1).astype(np.int16)


def _sort_by_slant(images: Images, indices: NDArray[np.intp]) -> NDArray[np.intp]:
    """Sort digits by slant, which is the shear that would make a digit upright."""
    ink = images[indices].astype(np.float32)
    y, x = np.mgrid[: ink.shape[1], : ink.shape[2]].astype(np.float32)
    mass = ink.sum(axis=(1, 2))
    dy = y - (ink * y).sum(axis=(1, 2), keepdims=True) / mass[:, None, None]
    dx = x - (ink * x).sum(axis=(1, 2), keepdims=True) / mass[:, None, None]
    slant = (ink * dx * dy).sum(axis=(1, 2)) / (ink * dy * dy).sum(axis=(1, 2)).clip(1)
    return indices[np.argsort(-slant, kind="stable")]
