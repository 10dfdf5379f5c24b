"""Parts of the synthesis, the drawing of fields. A training can leave out any part.

A training without a part shows how much the part helps (ablation).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True)
class Parts:
    """Parts of the synthesis that are drawn. By default, all parts are drawn.

    Attributes:
        hands: Digits in the forms of Europe and East Asia, in addition to MNIST's digits.
        fonts: Digits of handwriting fonts.
        writers: Digits of the writers of UNIPEN, if the training has them.
        bends: Digits that are bent, each in another way.
        spacing: Gaps of many widths, overlapping or joined characters, and groups of digits.
            Without this part, all gaps have the same width.
        drift: Baselines that rise, fall or wave.
        combs: Combs, which are rows of cells for one digit each.
        frames: Borders of table cells, ruled lines, squared paper, and underlines.
        neighbours: Parts of digits of other lines and columns, at the edges of the field.
        patterns: Security patterns, texture, shadows and stamps.
        pens: Pens that fade, pencils, and weak contrast.
        cameras: Low resolution, blur, JPEG and noise.
        unreadable: Letters, other marks, and digits that are crossed out.
    """

    hands: bool = True
    fonts: bool = True
    writers: bool = True
    bends: bool = True
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
        """Return these parts, but leave out the parts with the given names."""
        return replace(self, **dict.fromkeys(names, False))


#: Names of all parts.
NAMES = tuple(field.name for field in fields(Parts))
#: All parts.
ALL = Parts()
