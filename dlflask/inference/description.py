"""Description of a model file, made while the file is loaded."""

from __future__ import annotations

from dataclasses import dataclass

#: Number of sample digits on which the conventions are tried (see `ModelDescription`), and minimum
#: number of samples that a network must read correctly. With fewer, the service warns the user.
NUM_SAMPLES, ENOUGH_SAMPLES = 10, 8

#: Kinds of a network's outputs, with descriptions of their conversion to probabilities.
OUTPUT_KINDS = {
    "softmax": "probabilities by softmax",
    "logits": "logits, to which the service adds a softmax",
    "sigmoids": "independent probabilities by sigmoid, which the service divides by their sum",
}


@dataclass(frozen=True)
class ModelDescription:
    """Facts about a model file.

    Attributes:
        keras_version: Version of Keras that saved the file, empty if the file does not contain it.
        layers: Name, class and output shape of each layer. The shape's first axis is the batch.
        num_parameters: Number of weights.
        input_shape: Shape of the network's input, without the batch axis.
        convention: Range of the input values on which the network was trained, from paper to ink:
            `0..1`, `0..255` or `-1..1`. With `inverted` before it, the range is from ink to paper.
        samples_read: Number of the ten sample digits that the network reads correctly with this
            convention.
        outputs: Kind of the outputs, a key of `OUTPUT_KINDS`.
        num_classes: 10, or 11 if the last class is "not a digit".
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
        """True if, even with `convention`, the network reads too few sample digits correctly."""
        return self.samples_read < ENOUGH_SAMPLES

    def sentence(self) -> str:
        """Return the facts as one line of text, for the log and the page."""
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
                f"{text}; a network trained on digits reads at least {ENOUGH_SAMPLES}. The "
                "predictions of this model are probably wrong: check how its training images were "
                "prepared."
            )
        return f"{text}."
