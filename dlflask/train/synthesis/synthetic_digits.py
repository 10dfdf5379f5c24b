"""Digits drawn by code in forms that are rare in MNIST, which comes from the United States.

The forms include the European 1 with a long flag, the crossed 7, the open 4, angular and
seven-segment digits, the 9 with a curved tail, the slashed 0, and the printed digits of
matplotlib's fonts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dlflask.train.synthesis.fonts import draw_glyphs
from dlflask.train.synthesis.skeletonize import Fields, distance_fields
from dlflask.train.synthesis.stroke_drawing import draw, jitter

#: Relative frequencies of the digits 0 to 9. The 1 is the most frequent, followed by the 7 and the
#: 9, because countries differ most in the forms of these digits.
_RATES = np.array([1, 5, 1.5, 1, 1.5, 1, 1, 2, 1, 2])
#: Standard deviation of the random movement of points, in percent of the box. With more movement, a
#: 1 with a flag would become a 7.
_SPREAD = 3.0

#: Forms of each digit, as `stroke_drawing` reads them.
STYLES: dict[int, tuple[str, ...]] = {
    0: (
        "~50,0 20,15 10,50 20,85 50,100 80,85 90,50 80,15 50,0",
        "20,0 80,0 80,100 20,100 20,0",
        "~50,0 25,20 20,50 25,80 50,100 75,80 80,50 75,20 50,0; 85,5 15,95",
        "~60,3 30,12 15,50 30,90 60,97 80,60 75,20 45,0",
        "~65,10 35,5 10,45 30,92 70,90 88,50 75,15 50,12 40,25",
    ),
    1: (
        "20,45 60,0 60,100",
        "10,55 65,0 60,100",
        "~5,60 30,40 60,0; 60,0 58,100",
        "30,25 60,0 60,100; 30,100 90,100",
        "20,40 55,0 55,100; 20,100 90,100",
        "50,0 50,100",
        "50,0 50,100; 25,100 75,100",
        "35,18 55,0 55,100",
        "0,55 60,0 45,100",
        "~0,60 35,30 70,0; ~70,0 60,50 50,100",
        "0,75 75,0 55,100",
        "10,40 75,0 55,100",
        "~0,65 40,25 62,0 62,20 60,100",
        "25,30 60,0 60,98 35,98 85,98",
    ),
    2: (
        "~15,25 30,3 60,0 80,20 70,45 15,100; 15,100 90,100",
        "15,0 85,0 85,50 15,50 15,100 85,100",
        "~15,20 45,0 80,20 65,55 30,90 15,90 30,80 60,95 90,90",
        "~20,10 60,0 80,20 70,50 10,98 50,92 95,100",
        "15,5 80,5 10,100 90,100",
        "~10,25 40,0 75,20 60,55 20,95 5,85 20,72 50,95 95,95",
        "~25,25 20,8 50,0 75,15 65,50 15,100; 15,100 90,98",
    ),
    3: (
        "~15,10 50,0 80,18 70,40 40,48 75,58 85,80 55,100 10,88",
        "15,0 85,0 85,50 30,50 85,50 85,100 15,100",
        "15,0 85,0 45,42; ~45,42 80,55 85,80 55,100 10,90",
        "~10,5 60,0 80,20 45,45 80,60 80,90 40,100 10,95",
    ),
    4: (
        "65,100 65,0 5,70 95,70",
        "15,0 15,55 85,55; 80,0 80,100",
        "~20,0 15,30 20,50 50,55 80,50; 80,5 78,100",
        "45,0 10,60 90,60; 65,35 60,100",
        "10,0 10,50 85,50; 85,0 85,100",
        "~55,0 30,40 8,68; 8,68 95,62; 70,40 60,100",
    ),
    5: (
        "85,0 20,0 18,42; ~18,42 55,35 85,60 70,95 10,95",
        "85,0 15,0 15,50 85,50 85,100 15,100",
        "30,0 22,45; ~22,45 60,38 80,65 60,98 10,90; 30,0 90,2",
        "~90,0 30,4 25,42 70,45 85,70 60,100 10,92",
        "100,5 25,8 20,45; ~20,45 60,40 70,70 50,98 5,90",
    ),
    6: (
        "~75,0 35,25 12,65 30,98 70,95 80,70 55,52 15,70",
        "85,0 15,0 15,100 85,100 85,50 15,50",
        "~55,0 25,40 18,75 45,100 75,80 60,58 20,72",
        "20,0 20,100 80,100 80,50 20,50",
    ),
    7: (
        "10,0 85,0 35,100",
        "10,0 85,0 40,100; 25,50 85,50",
        "10,15 12,0 88,0 45,100; 30,52 80,48",
        "~10,5 50,8 90,0 60,40 45,100; 35,50 80,50",
        "15,0 85,0 85,100",
        "10,0 90,3; ~90,3 55,45 45,100",
        "5,20 5,0 85,0 45,100",
        "~0,20 25,0 60,12 95,2; ~95,2 65,50 55,100; 35,52 90,48",
        "10,0 85,0 25,100; 20,48 75,48",
    ),
    8: (
        "~70,10 40,0 20,20 45,45 80,70 60,100 25,95 15,72 50,48 78,25 70,10",
        "15,0 85,0 85,100 15,100 15,0; 15,50 85,50",
        "~50,0 25,22 50,46 75,22 50,0; ~50,46 18,72 50,100 82,72 50,46",
    ),
    9: (
        "~80,15 50,0 18,22 35,48 70,42 82,15; ~82,15 78,60 65,100",
        "~80,20 50,0 18,22 40,50 80,35; ~80,20 82,70 60,98 15,92",
        "85,50 15,50 15,0 85,0 85,100 15,100",
        "~85,10 45,0 20,25 45,45 80,20; ~85,10 75,60 45,95 15,90",
        "~80,12 45,2 25,28 55,42 80,25; 82,8 60,100",
        "~75,8 35,0 18,25 50,42 78,12 80,60 55,100 20,88",
        "~70,30 40,45 20,25 45,0 70,15 68,45 60,100",
        "~78,22 45,0 20,25 45,48 76,25; 78,10 78,100",
        "~75,15 40,5 20,30 50,45 75,20; ~75,20 70,70 40,100",
    ),
}


def draw_digits(count: int, rng: np.random.Generator) -> tuple[Fields, NDArray[np.uint8]]:
    """Draw `count` digits, a quarter of them in printed fonts.

    Returns:
        Distance fields, (count, 56, 56) uint8, and labels, (count,) uint8.
    """
    printed, characters = draw_glyphs("0123456789", count // 4, rng)
    labels = [int(character) for character in characters]
    masks = list(printed)
    while len(masks) < count:
        label = int(rng.choice(10, p=_RATES / _RATES.sum()))
        style = STYLES[label][rng.integers(len(STYLES[label]))]
        masks.append(draw(jitter(style, rng, _SPREAD)))
        labels.append(label)
    return distance_fields(np.array(masks)), np.array(labels, np.uint8)
