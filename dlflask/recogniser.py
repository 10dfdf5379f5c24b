"""Interface between the service and a model that reads images.

`web` holds recognisers by name and knows nothing else about them. Adding one takes a package that
implements `Recogniser`, and its entry in the list in `server.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

from dlflask.errors import DlflaskError
from dlflask.types import Tensor


class OutputSpec(NamedTuple):
    """Type and shape of an output for one image, in the Open Inference Protocol."""

    datatype: str
    shape: list[int]


#: Value of a parameter in the Open Inference Protocol.
Parameter = str | int | float | bool


@dataclass(frozen=True)
class ModelInfo:
    """Description of a recogniser, constant while the process runs.

    Attributes:
        name: Name in URLs and metrics, such as `mnist`.
        sha256: SHA-256 of the model file, in hexadecimal.
        preprocessing: Version of all steps from an image's bytes to the network's input.
        labels: Possible values of `Result.label`, which metrics count; empty if unbounded.
        verdicts: Possible values of `Result.verdict`.
        outputs: Outputs in the Open Inference Protocol, by name.
        input_shape: Shape of one input tensor in that protocol; empty if it accepts image files
            only.
        address: Address that reads images in the same way.
        description: Facts about the model file, as one line.
        is_doubtful: True if the network seems not to read what it is for; `description` says why.
        is_trained_here: True if the file was made by this project's training.
        parameters: Facts about the model file in that protocol.
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
        """One of the recogniser's verdicts."""

    @property
    def confidence(self) -> float:
        """Probability of `label`, 0..1."""

    @property
    def milliseconds(self) -> Mapping[str, float]:
        """Duration of each stage that ran: `decode`, `place` (normalisation), `predict`."""


AnyResult = TypeVar("AnyResult", bound=Result)


class Recogniser(Protocol[AnyResult]):
    """Model with all steps from the bytes of an image to a result."""

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
        """Read images; an error in place of an image is returned unchanged.

        Args:
            uploads: Bytes of image files.
            deadline: From `compute_deadline`, which is the default. Images that are not decoded by
                then get `OutOfTime`.

        Returns:
            A result or an error for each image, in the order given.
        """

    def read_tensors(self, tensors: Tensor) -> list[AnyResult]:
        """Read (N, *input_shape) float32 tensors, like those that `read_many` computes."""

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
