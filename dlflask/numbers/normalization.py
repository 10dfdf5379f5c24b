"""Normalisation of one line of writing to a strip of fixed height.

Training and service share this module, so that the network receives the same kind of input
everywhere.

`to_strip` receives a plane in which ink has higher values than paper. The service passes the
distance from the paper (`dlflask.imaging.background.measure_distance`). The result of `extract_ink`
would be worse: removing the noise of the paper also removes faint strokes. The network has learnt
to tell noise from faint strokes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlflask.imaging.morphology.running import running_mean, running_minimum
from dlflask.imaging.resize import Plane, resize

#: Version of the steps from a line's plane to its strip, part of each receipt and of the model
#: file. Increase it with any change that may change a strip.
STRIP_PREPROCESSING = "1"

#: Height of a strip in pixels.
HEIGHT = 32

#: Columns of the strip for each column of the network's output. Widths are multiples of it.
STRIDE = 4

#: Blank columns before and after the line, so that the network sees the paper beside it.
MARGIN = 8

#: Widest strip in pixels, about a hundred digits; a longer line is compressed.
MAX_WIDTH = 2_048

#: Rank of the pixel that is taken as paper, counted from the lightest pixel of a column. A stroke
#: rarely covers 3/4 of a column, so the lightest quarter is paper.
_PAPER_RANK = HEIGHT // 4

#: Width of the window whose lightest column is taken as paper, in columns; wider than any stroke.
_PAPER_COLUMNS = 25

#: Least contrast of ink, relative to the largest absolute value of the line. In a line without
#: writing, rounding errors are below it.
_MIN_PEAK = 1e-4

#: Share of the pixels, the darkest ones, that are clipped to 1.
_PEAK_SHARE = 0.01


@dataclass(frozen=True, eq=False)
class Strip:
    """One line of writing as the number network reads it.

    Attributes:
        pixels: (32, W) float32 in 0..1, ink = 1, paper about 0; W is a multiple of 4.
        scale: Columns of `pixels` for each column of the line.
    """

    pixels: NDArray[np.float32]
    scale: float

    def to_line(self, column: float) -> float:
        """Return the column of the line that `column` of the strip shows."""
        return (column - MARGIN) / self.scale


def to_strip(line: Plane) -> Strip:
    """Resize one line of writing to `HEIGHT`, and rescale its values: ink to 1, paper to 0.

    The digits should take up three quarters of the line's height. In training they take up between
    half and all of it.

    Args:
        line: (height, width) float32, ink higher than paper, in any unit.

    Returns:
        The strip, with `MARGIN` columns of paper on both sides.
    """
    height, width = line.shape
    inner = min(max(1, round(width * HEIGHT / height)), MAX_WIDTH - 2 * MARGIN)
    scaled = resize(line, HEIGHT, inner, clamp=True)
    ink = scaled - _estimate_paper(scaled)
    rank = max(1, round(_PEAK_SHARE * ink.size))
    peak = float(np.partition(ink, ink.size - rank, axis=None)[ink.size - rank])
    padded = -(-(inner + 2 * MARGIN) // STRIDE) * STRIDE
    pixels = np.zeros((HEIGHT, padded), np.float32)
    if peak > _MIN_PEAK * float(np.abs(scaled).max()):
        np.clip(ink / np.float32(peak), 0, 1, out=pixels[:, MARGIN : MARGIN + inner])
    return Strip(pixels, inner / width)


def _estimate_paper(scaled: Plane) -> Plane:
    """Return the level of the paper in each column, (W,), because a shadow may cross the line."""
    level = np.partition(scaled, _PAPER_RANK, axis=0)[_PAPER_RANK]
    lightest = running_minimum(level, _PAPER_COLUMNS, 0)
    return running_mean(lightest, _PAPER_COLUMNS, 0)
