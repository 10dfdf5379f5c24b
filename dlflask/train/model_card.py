"""Model card: the facts about a trained model, stored as JSON and shown as Markdown."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from dlflask.digits.thresholds import Thresholds
from dlflask.evaluate.metrics import rate
from dlflask.train.scoring import Score


@dataclass(frozen=True)
class ModelCard:
    """Facts about a trained model. All rates are in 0..1.

    `environment` names the machine, the backend and the version of Keras in the training run.
    `further` describes the images that a trained model has learnt in addition, or is empty.
    """

    network: str
    num_parameters: int
    num_multiply_adds: int
    file_bytes: int
    sha256: str
    num_train: int
    validation_by_seed: dict[str, float]
    validation: Score
    test: Score
    images: Score | None
    non_digits_called_digit: dict[str, float]
    thresholds: Thresholds
    epochs: int
    cycles: int
    fine_tunings: list[int]
    seed: int
    precision: str
    seconds: float
    environment: str
    further: str = ""

    def write(self, path: Path) -> None:
        """Write the card as JSON to `path`."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> ModelCard:
        """Read the card from `path`."""
        values = json.loads(path.read_text(encoding="utf-8"))
        for name in ("validation", "test", "images"):
            values[name] = Score(**values[name]) if values[name] else None
        values["thresholds"] = Thresholds(**values["thresholds"])
        return cls(**values)

    def to_markdown(self) -> str:
        """Return the card as a Markdown table."""
        seeds = ", ".join(f"{seed}: {value:.2%}" for seed, value in self.validation_by_seed.items())
        rows = [
            ("Network", self.network),
            ("Parameters", f"{self.num_parameters:,}"),
            ("Multiply-adds per image", f"{self.num_multiply_adds / 1e6:.2f} million"),
            ("File", f"{self.file_bytes / 1e6:.2f} MB"),
            ("SHA-256", f"`{self.sha256}`"),
            (
                "Trained on",
                f"{self.num_train:,} augmented MNIST digits, and images drawn by code"
                f"{self.further}",
            ),
            ("Accuracy on validation, by seed", seeds),
            ("MNIST validation", _describe(self.validation)),
            ("MNIST test", _describe(self.test)),
            *([("Images", _describe(self.images))] if self.images else []),
            *self._verdict_rows(),
            (
                "Run",
                f"{self._describe_cycles()}; seed {self.seed}, {self.precision}, "
                f"{self.seconds / 60:.0f} minutes on {self.environment}",
            ),
        ]
        lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
        return "\n".join(lines) + "\n"

    def _describe_cycles(self) -> str:
        if not self.cycles:
            return (
                f"{len(self.fine_tunings)} fine-tunings of {self.epochs} epochs, whose weights are "
                "averaged"
            )
        if not self.fine_tunings:
            return f"{self.cycles} x {self.epochs} epochs"
        return (
            f"{self.cycles} cycles, each of {self.epochs} epochs and {len(self.fine_tunings)} "
            f"fine-tunings ({', '.join(map(str, self.fine_tunings))} epochs), whose weights are "
            "averaged"
        )

    def _verdict_rows(self) -> list[tuple[str, str]]:
        rates = self.non_digits_called_digit.items()
        return [
            (
                "Verdict",
                f"`digit` from {self.thresholds.unsure_below:.4f}, `not_a_digit` above "
                f"{self.thresholds.not_a_digit_above:.4f}; chosen on {self.thresholds.chosen_on}; "
                f"temperature {self.thresholds.temperature:.2f}",
            ),
            ("Non-digits called `digit`", ", ".join(f"{name} {rate:.1%}" for name, rate in rates)),
        ]


def _describe(score: Score) -> str:
    accuracy = rate(round(score.accuracy * score.count), score.count)
    macro = f"macro over sources {score.macro_accuracy:.2%}, "
    return (
        f"{score.accuracy:.2%} of {score.count:,} "
        f"(95 % interval {accuracy.low:.2%} to {accuracy.high:.2%}), "
        f"{macro if score.macro_accuracy != score.accuracy else ''}"
        f"calibration error {score.calibration_error:.2%}, called `digit` {score.digit:.2%}"
    )
