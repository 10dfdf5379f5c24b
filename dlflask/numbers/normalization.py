"""Normalisation of one line of writing to a strip: an image of fixed height for the number network.

Training and service share this module, so that the network receives the same kind of input in both.

`to_strip` receives a plane, a two-dimensional array in which ink has higher values than paper. The
service passes the difference in brightness from the paper, as
`dlflask.imaging.background.measure_distance` returns it. `extract_ink` would be worse: it removes
faint strokes together with the noise of the paper, but the network has learnt to distinguish noise
from faint strokes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlflask.imaging.morphology.running import running_mean, running_minimum
from dlflask.imaging.resize import Plane, resize

#: Version of the steps that turn a line's plane into a strip. Each receipt and each model file
#: contain this version. Increase it with any change that may change a strip.
STRIP_PREPROCESSING = "1"

#: Height of a strip in pixels.
HEIGHT = 32

#: Number of columns of the strip for each column of the network's output. The width of a strip is a
#: multiple of this number.
STRIDE = 4

#: Number of columns of paper that are added before and after the line, as in training.
MARGIN = 8

#: Maximum width of a strip in pixels, enough for about a hundred digits. A longer line is
#: compressed horizontally.
MAX_WIDTH = 2_048

#: Rank of the pixel that is taken as paper, counted from the lightest pixel of a column. A stroke
#: rarely covers more than 3/4 of a column, so the lightest quarter of the column is paper.
_PAPER_RANK = HEIGHT // 4

#: Width, in columns, of the window whose lightest column is taken as paper. The window is wider
#: than any stroke, so it contains paper.
_PAPER_COLUMNS = 25

#: Minimum contrast of ink, relative to the largest absolute value in the line. In a line without
#: writing, the contrasts are only rounding errors and stay below this minimum.
_MIN_PEAK = 1e-4

#: Share of a strip's pixels that are clipped to 1: the darkest pixels. Without clipping, a few very
#: dark pixels would make all other ink faint.
_PEAK_SHARE = 0.01


@dataclass(frozen=True, eq=False)
class Strip:
    """One line of writing as the number network reads it.

    Attributes:
        pixels: (32, W) float32 in 0..1, ink = 1, paper about 0; W is a multiple of 4.
        scale: Number of columns of `pixels` for each column of the line.
    """

    pixels: NDArray[np.float32]
    scale: float

    def to_line(self, column: float) -> float:
        """Convert a column of the strip to a column of the line."""
        return (column - MARGIN) / self.scale


def to_strip(line: Plane) -> Strip:
    """Resize one line of writing to `HEIGHT`, and rescale its values: ink to 1, paper to 0.

    The digits should take up three quarters of the line's height. In training, they take up between
    half of the height and the whole height.

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
    """Return the value of the paper in each column, (W,).

    Paper does not have the same value everywhere, because a shadow may cross the line.
    """
    level = np.partition(scaled, _PAPER_RANK, axis=0)[_PAPER_RANK]
    lightest = running_minimum(level, _PAPER_COLUMNS, 0)
    return running_mean(lightest, _PAPER_COLUMNS, 0)
