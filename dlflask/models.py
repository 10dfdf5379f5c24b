"""Load the recognisers for the service, the command line and the evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dlflask.config import Config
from dlflask.digits.classifier import Classifier
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.numbers.network import StripNetwork
from dlflask.numbers.recogniser import NumberRecogniser


def load_recognisers(
    config: Config, samples: Sequence[Path] = ()
) -> tuple[DigitRecogniser, NumberRecogniser | None]:
    """Load the digit recogniser, and the number recogniser if its file exists.

    Without the number recogniser, an image cannot get the verdict `several_digits`.

    Args:
        config: The settings, with the paths of the models.
        samples: Image files that the self-tests read. A self-test fails if it cannot read a sample.

    Raises:
        ModelError: The digit model is missing, or a file is damaged or contains another model.
    """
    classifier = Classifier(config.model_path, config.graph_folder)
    if not config.number_model_path.is_file():
        return DigitRecogniser(classifier, samples), None
    # One sample is enough to test the number recogniser, and each sample delays the start of each
    # worker by some milliseconds.
    numbers = load_numbers(config, classifier, samples[:1])
    return DigitRecogniser(classifier, samples, numbers.shows_several), numbers


def load_numbers(
    config: Config, classifier: Classifier, samples: Sequence[Path] = ()
) -> NumberRecogniser:
    """Load the number recogniser. `classifier` reads the digits of a number a second time.

    Raises:
        ModelError: The file is missing or damaged, or is not a number model.
    """
    return NumberRecogniser(
        StripNetwork(config.number_model_path, config.graph_folder), classifier, samples
    )
