"""Model card of the number network: facts about a trained model, as JSON and as Markdown."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class NumberScore:
    """Scores on strips, each of which is the image of a number. All scores are in 0..1.

    Attributes:
        count: Number of strips.
        whole: Share of the numbers of which every character is right, separators included.
        digits: Share of the numbers of which every digit is right. Separators do not count.
        digits_only: The share `digits` if the network may read nothing but digits.
        character_errors: Number of wrong, missing and additional characters, divided by the number
            of characters.
    """

    count: int
    whole: float
    digits: float
    digits_only: float
    character_errors: float


@dataclass(frozen=True)
class NumberCard:
    """Facts about a trained number model.

    `environment` names the machine, the backend and the version of Keras in the training run.
    """

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
    environment: str

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
                f"drawn by code{self._writers()}, and {self.num_fonts} fonts; "
                f"each field seen {self.recipe['epochs']} times" + self._started(),
            ),
            (
                "Fields not used in training",
                f"{held.whole:.2%} of {held.count:,} right, {held.digits:.2%} without separators, "
                f"{held.digits_only:.2%} if only digits may be read; "
                f"{held.character_errors:.2%} of characters wrong",
            ),
            (
                "Run",
                f"seed {self.recipe['seed']}, {self.seconds / 60:.0f} minutes on "
                f"{self.environment}",
            ),
        )
        lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
        return "\n".join(lines) + "\n"

    def _writers(self) -> str:
        count = self.recipe.get("writers")
        return f", digits of {count} writers of UNIPEN" if count else ""

    def _started(self) -> str:
        start = self.recipe.get("start")
        return f"; continued from the model `{start[:12]}...`" if start else ""
