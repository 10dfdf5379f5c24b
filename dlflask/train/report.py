"""What a training run ended with, as JSON to keep and Markdown to read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path


@dataclass(frozen=True)
class Report:
    """The facts of the model card. Accuracies are fractions of 1, measured on whole sets."""

    network: str
    num_parameters: int
    num_multiply_adds: int
    file_bytes: int
    sha256: str
    num_train: int
    num_validation: int
    num_test: int
    validation_accuracy: float
    test_accuracy: float
    epochs: int
    seed: int
    precision: str
    seconds: float
    versions: str

    def write(self, path: Path) -> None:
        """Save as JSON at `path`."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Report:
        """The report saved at `path`."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def to_markdown(self) -> str:
        """The model card's table."""
        low, high = wilson_interval(self.test_accuracy, self.num_test)
        rows = [
            ("Network", self.network),
            ("Parameters", f"{self.num_parameters:,}"),
            ("Multiply-adds per picture", f"{self.num_multiply_adds / 1e6:.2f} million"),
            ("File", f"{self.file_bytes / 1e6:.2f} MB"),
            ("SHA-256", f"`{self.sha256}`"),
            ("Trained on", f"MNIST, {self.num_train:,} digits, augmented"),
            ("Accuracy, validation", f"{self.validation_accuracy:.2%} of {self.num_validation:,}"),
            (
                "Accuracy, MNIST test",
                f"{self.test_accuracy:.2%} of {self.num_test:,} "
                f"(95 % interval {low:.2%} to {high:.2%})",
            ),
            (
                "Run",
                f"{self.epochs} epochs, seed {self.seed}, {self.precision}, "
                f"{self.seconds / 60:.0f} minutes on {self.versions}",
            ),
        ]
        lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
        return "\n".join(lines) + "\n"


def wilson_interval(fraction: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a proportion `fraction` seen in `count` trials.

    Source: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference,
    JASA 22 (1927).
    """
    centre = fraction + z * z / (2 * count)
    spread = z * sqrt(fraction * (1 - fraction) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return (centre - spread) / scale, (centre + spread) / scale
