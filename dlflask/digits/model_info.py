"""Description of the digit model for the log, the page and the inference protocol."""

from __future__ import annotations

from typing import Protocol

from dlflask.digits.normalization import PREPROCESSING
from dlflask.digits.provenance import Runtime
from dlflask.digits.thresholds import DEFAULT_THRESHOLDS, NOT_A_DIGIT, VERDICTS, Thresholds
from dlflask.inference.description import ENOUGH_SAMPLES, NUM_SAMPLES, ModelDescription
from dlflask.recogniser import ModelInfo, OutputSpec, Parameter
from dlflask.types import SIZE

NAME = "mnist"

#: Outputs of the model in the Open Inference Protocol, by name.
DIGIT_OUTPUTS = {
    "probabilities": OutputSpec("FP32", [NOT_A_DIGIT]),
    "label": OutputSpec("INT64", []),
    "verdict": OutputSpec("BYTES", []),
}


class DescribedClassifier(Runtime, Protocol):
    """Classifier with the attributes that `describe_classifier` needs."""

    @property
    def description(self) -> ModelDescription:
        """Facts about the model file."""

    @property
    def thresholds(self) -> Thresholds:
        """Thresholds of the verdict."""


def describe_classifier(classifier: DescribedClassifier) -> ModelInfo:
    """Return the facts about `classifier` that the service publishes."""
    description = classifier.description
    return ModelInfo(
        name=NAME,
        sha256=classifier.sha256,
        preprocessing=PREPROCESSING,
        labels=[str(digit) for digit in range(NOT_A_DIGIT)],
        verdicts=VERDICTS,
        outputs=DIGIT_OUTPUTS,
        input_shape=(SIZE, SIZE),
        description=description.sentence(),
        is_doubtful=description.is_doubtful,
        # The thresholds that `make train` stores in the model file differ from the default.
        is_trained_here=classifier.thresholds != DEFAULT_THRESHOLDS,
        parameters=to_parameters(description),
    )


def to_parameters(description: ModelDescription) -> dict[str, Parameter]:
    """Return the facts in `description` as parameters of the Open Inference Protocol."""
    parameters: dict[str, Parameter] = {
        "keras_version": description.keras_version,
        "num_layers": len(description.layers),
        "num_parameters": description.num_parameters,
        "input_shape": " x ".join(map(str, description.input_shape)),
        "convention": description.convention,
        "outputs": description.outputs,
        "num_classes": description.num_classes,
        "samples_read": description.samples_read,
    }
    if description.is_doubtful:
        parameters["warning"] = (
            f"The network reads {description.samples_read} of {NUM_SAMPLES} sample digits; "
            f"expected at least {ENOUGH_SAMPLES}."
        )
    return parameters
