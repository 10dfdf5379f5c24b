"""Digits cut from drawn fields, as the service cuts them from the numbers that people send.

The digit network learns from them what its input is like if neighbours touch a digit or if a part
of a digit is missing.
"""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path

import numpy as np

from dlflask.errors import BlankImage
from dlflask.numbers.characters import DIGIT_CHARACTERS
from dlflask.numbers.lines.digit_cutting import cut_digits, to_tensor
from dlflask.numbers.lines.line_finding import find_lines
from dlflask.numbers.lines.page import Page, measure
from dlflask.numbers.network import StripNetwork
from dlflask.numbers.normalization import STRIDE, to_strip
from dlflask.numbers.reader import TRAILING, StripForward, read_strip
from dlflask.train.data import Images, Labels
from dlflask.train.numbers.fields.field import Image, draw_image
from dlflask.train.numbers.fields.material import load_material
from dlflask.train.numbers.parts import Parts

#: Number of fields that a process draws at a time.
_CHUNK = 500


def make_cut_digits(
    material: Path, model: Path, count: int, executor: Executor
) -> tuple[Images, Labels]:
    """Draw `count` fields, and cut the digits of those that the number network reads correctly.

    Args:
        material: Folder of the material.
        model: Number model. It finds the places of the digits.
        count: Number of fields.
        executor: Executor that runs parts of the work in parallel.

    Returns:
        (N, 28, 28) uint8, ink = 255, and (N,) uint8 labels.
    """
    seeds = range(0, count, _CHUNK)
    sizes = [min(_CHUNK, count - start) for start in seeds]
    jobs = [
        executor.submit(_cut_chunk, material, model, seed, size)
        for seed, size in zip(seeds, sizes, strict=True)
    ]
    digits, labels = zip(*(job.result() for job in jobs), strict=True)
    return np.concatenate(digits), np.concatenate(labels)


def _cut_chunk(folder: Path, model: Path, seed: int, count: int) -> tuple[Images, Labels]:
    network, material = StripNetwork(model), load_material(folder)
    rng = np.random.default_rng(seed)
    found = [
        one for _ in range(count) for one in cut_field(draw_image(material, Parts(), rng), network)
    ]
    digits = np.array([digit for digit, _ in found], np.uint8).reshape(-1, 28, 28)
    return digits, np.array([label for _, label in found], np.uint8)


def cut_field(image: Image, network: StripForward) -> list[tuple[Images, int]]:
    """Return the digits of a field and their labels.

    Return nothing if the field shows no number or is misread.

    Args:
        image: The field.
        network: The number network.
    """
    number = image.label.rstrip(TRAILING)
    if not number:
        return []
    try:
        distance, ink = measure(image.pixels)
    except BlankImage:
        return []
    for line in find_lines(Page(distance, ink, 1.0)):
        strip = to_strip(line.distance)
        reading = read_strip(network(strip.pixels))
        if reading.text == number:
            places = reading.places
            middles = [strip.to_line((one.start + one.stop) / 2 * STRIDE) for one in places]
            return [
                ((255 * to_tensor(digit.ink) + 0.5).astype(np.uint8), int(character))
                for character, digit in zip(
                    number, cut_digits(line.ink, line.labels, middles), strict=True
                )
                if character in DIGIT_CHARACTERS
            ]
    return []
