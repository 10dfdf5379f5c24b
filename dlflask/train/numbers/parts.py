"""Parts of the synthesis, each of which an ablation can leave out."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True)
class Parts:
    """Parts of the synthesis that are drawn; all of them by default.

    Attributes:
        hands: Digits drawn in the forms of Europe and East Asia, beside MNIST's.
        fonts: Digits of handwriting fonts.
        spacing: Gaps from overlaps and ties to wide ones, and groups; else one gap.
        drift: Baselines that rise, fall and wave.
        combs: Combs and boxes around single digits.
        frames: Borders of cells, rulings, squares, and underlines.
        neighbours: Digits of other lines and columns, cut at the edge.
        patterns: Security patterns, texture, shadows and stamps.
        pens: Pens that fade, pencils, and weak contrast.
        cameras: Low resolution, blur, JPEG and noise.
        unreadable: Letters, crossings-out and blots.
    """

    hands: bool = True
    fonts: bool = True
    spacing: bool = True
    drift: bool = True
    combs: bool = True
    frames: bool = True
    neighbours: bool = True
    patterns: bool = True
    pens: bool = True
    cameras: bool = True
    unreadable: bool = True

    def without(self, *names: str) -> Parts:
        """Return the parts without those of `names`."""
        return replace(self, **dict.fromkeys(names, False))


NAMES = tuple(field.name for field in fields(Parts))
ALL = Parts()
