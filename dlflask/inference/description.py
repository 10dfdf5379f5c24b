"""Description of a model file, found out when the file is loaded."""

from __future__ import annotations

from dataclasses import dataclass

#: Number of sample digits on which the value convention is tried, and the fewest of them that a
#: network has to read for the service to trust its convention.
NUM_SAMPLES, ENOUGH_SAMPLES = 10, 8

#: Outputs of a file's network, and how the service converts them to probabilities.
OUTPUT_KINDS = {
    "softmax": "probabilities by softmax",
    "logits": "logits, to which the service adds a softmax",
    "sigmoids": "independent probabilities by sigmoid, which the service divides by their sum",
}


@dataclass(frozen=True)
class ModelDescription:
    """Facts about a model file, found out while it is loaded.

    Attributes:
        keras_version: Version of Keras that saved the file, empty if the file does not say it.
        layers: Name, class and output shape of each layer; the first axis is the batch.
        num_parameters: Number of weights.
        input_shape: Input of the file's network, without the batch axis.
        convention: Values that the network was trained on: `0..1`, `0..255`, `-1..1`, or one of
            these after `inverted`, which is dark ink on bright paper.
        samples_read: Number of the ten sample digits that are read in that convention.
        outputs: `softmax`, `logits` or `sigmoids`.
        num_classes: 10, or 11 with "not a digit" as the last.
    """

    keras_version: str
    layers: tuple[tuple[str, str, tuple[int | None, ...]], ...]
    num_parameters: int
    input_shape: tuple[int, ...]
    convention: str
    samples_read: int
    outputs: str
    num_classes: int

    @property
    def is_doubtful(self) -> bool:
        """True if no convention lets the network read enough of the sample digits."""
        return self.samples_read < ENOUGH_SAMPLES

    def sentence(self) -> str:
        """Return the facts as one plain line, for the log."""
        version = f"Keras {self.keras_version}" if self.keras_version else "an unknown Keras"
        shape = " x ".join(map(str, self.input_shape))
        text = (
            f"The model was saved by {version}: {len(self.layers)} "
            f"{'layer' if len(self.layers) == 1 else 'layers'}, "
            f"{self.num_parameters:,} weights, input {shape} with values {self.convention}, "
            f"{self.num_classes} {OUTPUT_KINDS[self.outputs]}. "
            f"It reads {self.samples_read} of {NUM_SAMPLES} sample digits"
        )
        if self.is_doubtful:
            return (
                f"{text}; a network trained on digits reads at least {ENOUGH_SAMPLES}. Its "
                "predictions are probably wrong: check how its training images were prepared."
            )
        return f"{text}."
