"""The model card as JSON and as Markdown."""

import dataclasses

import pytest

pytest.importorskip("keras")

from dlflask.digits.thresholds import Thresholds
from dlflask.train.model_card import ModelCard
from dlflask.train.scoring import Score

pytestmark = pytest.mark.model

SCORE = Score(count=10_000, accuracy=0.997, macro_accuracy=0.99, calibration_error=0.002, digit=1.0)
CARD = ModelCard(
    network="3x3 16, dense 11",
    num_parameters=1_000,
    num_multiply_adds=2_000_000,
    file_bytes=800_000,
    sha256="0" * 64,
    num_train=55_000,
    validation_by_seed={"1": 0.996},
    validation=SCORE,
    test=SCORE,
    images=SCORE,
    non_digits_called_digit={"letters": 0.03},
    thresholds=Thresholds(0.4, 0.6, 1.1, "a test"),
    epochs=3,
    cycles=2,
    fine_tunings=[1, 1],
    seed=1,
    precision="float32",
    seconds=60.0,
    environment="2 cores",
)


@pytest.mark.parametrize(
    "card", [CARD, dataclasses.replace(CARD, images=None)], ids=["images", "none"]
)
def test_write_and_read_model_card(card, tmp_path):
    card.write(tmp_path / "card.json")

    assert ModelCard.read(tmp_path / "card.json") == card


def test_to_markdown_rows():
    markdown = CARD.to_markdown()

    for fact in ("99.70% of 10,000", "99.57% to 99.79%", "2.00 million", "letters 3.0%"):
        assert fact in markdown


def test_to_markdown_of_fine_tuned_model():
    card = dataclasses.replace(CARD, cycles=0, epochs=4, fine_tunings=[4, 4, 4])

    assert "| 3 fine-tunings of 4 epochs, whose weights are averaged; seed 1" in card.to_markdown()
