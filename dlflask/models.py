"""The recognisers that the service, the command line and the evaluation use."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dlflask.digits.classifier import Classifier
from dlflask.numbers.network import StripNetwork
from dlflask.numbers.recogniser import NumberRecogniser


def load_numbers(
    path: Path, classifier: Classifier, samples: Iterable[Path] = ()
) -> NumberRecogniser | None:
    """Load the number recogniser; None if the file at `path` does not exist.

    Args:
        path: File of the number network.
        classifier: The digit network, its second reader.
        samples: Image files that must be readable for the self-test to pass.

    Raises:
        ModelError: The file is not a number network, or it is damaged.
    """
    return NumberRecogniser(StripNetwork(path), classifier, samples) if path.is_file() else None
