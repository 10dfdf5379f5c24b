"""Plots with a uniform style, and with alternative texts for people who cannot see them."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image as Figure
from IPython.display import display
from numpy.typing import NDArray
from PIL import Image

#: The colours of Okabe and Ito, which people of every colour vision can distinguish.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
#: Colours of a figure's palette; more cannot be told apart.
NUM_COLOURS = 128

BLUE, ORANGE, GREEN, BLACK = *COLOURS[:3], COLOURS[-1]


def set_style() -> None:
    """Set Matplotlib's defaults for the notebook."""
    plt.rcParams |= {"figure.dpi": 100, "figure.constrained_layout.use": True}
    plt.rcParams |= {"image.cmap": "gray_r", "axes.grid": True, "grid.alpha": 0.3}
    plt.rcParams |= {"axes.spines.top": False, "axes.spines.right": False}


def show(alt: str) -> None:
    """Show the current figure with the alternative text `alt`, and close it.

    The PNG has a palette, which halves the size of the notebook.
    """
    figure, buffer = plt.gcf(), BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")
    plt.close(figure)
    with Image.open(buffer) as drawn:
        # This method keeps colours that few pixels have, such as those of lines and legends.
        method = Image.Quantize.MAXCOVERAGE
        small = drawn.convert("RGB").quantize(NUM_COLOURS, method, dither=Image.Dither.NONE)
    data = BytesIO()
    small.save(data, "PNG", optimize=True)
    display(Figure(data=data.getvalue(), alt=alt))  # type: ignore[no-untyped-call]


def show_images(  # noqa: PLR0913  options by name
    images: Sequence[NDArray[Any]] | NDArray[Any],
    titles: Sequence[str] | None = None,
    *,
    alt: str,
    heading: str = "",
    columns: int = 8,
    scale: float = 1.1,
    **style: Any,
) -> None:
    """Show images in a grid, ink black on white paper.

    Args:
        images: Arrays of (H, W) or (H, W, 3).
        titles: One for each image.
        alt: Alternative text of the figure.
        heading: Title of the figure.
        columns: Number of columns.
        scale: Side of an image, in inches.
        style: Options of `imshow`.
    """
    titles = titles or [""] * len(images)
    rows = max(1, -(-len(images) // columns))
    lines = any(titles) * (1 + max((title.count("\n") for title in titles), default=0))
    size = (columns * scale, rows * (scale + 0.22 * lines) + 0.3 * bool(heading))
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
    if heading:
        figure.suptitle(heading)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, title in zip(axes.flat, images, titles, strict=False):
        axis.imshow(np.asarray(image), **style)
        axis.set_title(title, fontsize=9)
    show(alt)
