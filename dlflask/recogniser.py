"""Interface between the service and a model that reads images.

`web` uses recognisers only through this interface. To add a recogniser, write a package that
implements `Recogniser`, and add the recogniser to the list in `server.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

from dlflask.errors import DlflaskError
from dlflask.types import Tensor


class OutputSpec(NamedTuple):
    """Data type and shape of an output for one image, in terms of the Open Inference Protocol."""

    datatype: str
    shape: list[int]


#: Type of a parameter's value in the Open Inference Protocol.
Parameter = str | int | float | bool


@dataclass(frozen=True)
class ModelInfo:
    """Description of a recogniser, constant while the process runs.

    Attributes:
        name: Name in URLs and metrics, such as `mnist`.
        sha256: SHA-256 of the model file, in hexadecimal.
        preprocessing: Version of the steps from an image's bytes to the network's input.
        labels: Values of `Result.label` that metrics count. Empty if too many values are possible.
        verdicts: Possible values of `Result.verdict`.
        outputs: Outputs in the Open Inference Protocol, by name.
        input_shape: Shape of one input tensor in the Open Inference Protocol. Empty if the
            recogniser accepts image files only.
        address: Path to which clients send images for this recogniser.
        description: Facts about the model file in one line.
        is_doubtful: True if the network is probably unsuitable. `description` gives the reason.
        is_trained_here: True if this project's training wrote the file.
        parameters: Facts about the model file, as parameters of the Open Inference Protocol.
    """

    name: str
    sha256: str
    preprocessing: str
    labels: Sequence[str]
    verdicts: Sequence[str]
    outputs: Mapping[str, OutputSpec]
    input_shape: tuple[int, ...]
    address: str = "/predictlabel"
    description: str = ""
    is_doubtful: bool = False
    is_trained_here: bool = False
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


class Result(Protocol):
    """Result of one image."""

    @property
    def label(self) -> str:
        """Text that was read."""

    @property
    def verdict(self) -> str:
        """One of `ModelInfo.verdicts`."""

    @property
    def confidence(self) -> float:
        """Probability of `label`, 0..1."""

    @property
    def milliseconds(self) -> Mapping[str, float]:
        """Duration of the stages `decode`, `place` (normalisation) and `predict`, if they ran."""


AnyResult = TypeVar("AnyResult", bound=Result)


class Recogniser(Protocol[AnyResult]):
    """Model, and all steps from the bytes of an image to a result."""

    @property
    def info(self) -> ModelInfo:
        """Description of the model."""

    @property
    def is_ready(self) -> bool:
        """True if `setup` has succeeded."""

    def setup(self) -> None:
        """Compile the network and test it. Call it after the process has forked.

        Raises:
            ModelError: The self-test failed.
        """

    def read_many(
        self, uploads: Sequence[bytes | DlflaskError], deadline: float | None = None
    ) -> list[AnyResult | DlflaskError]:
        """Read images.

        Args:
            uploads: Bytes of image files. An error in place of an image is returned unchanged.
            deadline: Time in seconds of `time.perf_counter` (default: `compute_deadline()`). Images
                whose decoding does not begin before the deadline get `OutOfTime`.

        Returns:
            A result or an error for each item of `uploads`, in the same order.
        """

    def read_tensors(self, tensors: Tensor) -> list[AnyResult]:
        """Feed inputs, (N, *input_shape) float32, to the network unchanged. Return the results."""

    def encode(self, result: AnyResult, *, details: bool) -> str:
        """Return the JSON of the response for `result`."""

    def output(self, name: str, results: Sequence[AnyResult]) -> Any:
        """Return the values of the output `name`, one for each result."""


def read(recogniser: Recogniser[AnyResult], upload: bytes) -> AnyResult:
    """Read one image.

    Raises:
        DlflaskError: The image cannot be read.
    """
    (result,) = recogniser.read_many([upload])
    if isinstance(result, DlflaskError):
        raise result
    return result
