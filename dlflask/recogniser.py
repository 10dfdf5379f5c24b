"""Interface between the service and a model that reads images.

`web` holds recognisers by name and knows nothing else about them. Adding one takes a package that
implements `Recogniser`, and its entry in the list in `server.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

from dlflask.errors import DlflaskError
from dlflask.types import Tensor


class OutputSpec(NamedTuple):
    """Type and shape of one output, of one image, in the Open Inference Protocol."""

    datatype: str
    shape: list[int]


@dataclass(frozen=True)
class ModelInfo:
    """Description of a recogniser, constant while the process runs.

    Attributes:
        name: Its name in addresses and metrics, such as `mnist`.
        sha256: SHA-256 of the model file, in hexadecimal.
        preprocessing: Version of everything between an image's bytes and the network's input.
        labels: Values that `Result.label` can have, counted each by itself; empty if unbounded.
        verdicts: Values that `Result.verdict` can have.
        outputs: Outputs in the Open Inference Protocol, by name.
        input_shape: Shape of one input tensor there; empty if only image files are accepted.
    """

    name: str
    sha256: str
    preprocessing: str
    labels: Sequence[str]
    verdicts: Sequence[str]
    outputs: Mapping[str, OutputSpec]
    input_shape: tuple[int, ...]


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
        """Duration of each stage that took place: `decode`, `place`, `predict`."""


AnyResult = TypeVar("AnyResult", bound=Result)


class Recogniser(Protocol[AnyResult]):
    """Model with everything that leads from the bytes of an image to a result."""

    @property
    def info(self) -> ModelInfo:
        """Description of the model."""

    @property
    def is_ready(self) -> bool:
        """Whether `setup` has succeeded."""

    def setup(self) -> None:
        """Compile the network and test it. Call it after the process has forked.

        Raises:
            ModelError: The self-test failed.
        """

    def read_many(
        self, uploads: Sequence[bytes | DlflaskError], deadline: float | None = None
    ) -> list[AnyResult | DlflaskError]:
        """Read images; an error in place of an image stays in its place.

        Args:
            uploads: Bytes of image files.
            deadline: From `set_deadline`, which is the default. Images that are not decoded by
                then get `OutOfTime`.

        Returns:
            A result or an error for each image, in the order given.
        """

    def read_tensors(self, tensors: Tensor) -> list[AnyResult]:
        """Read (N, *input_shape) float32 tensors, as `read_many` makes them of images."""

    def encode(self, result: AnyResult, *, details: bool) -> str:
        """Return the JSON object that a client receives for `result`."""

    def output(self, name: str, results: Sequence[AnyResult]) -> Any:
        """Return the values of one of the outputs, one for each result."""


def read(recogniser: Recogniser[AnyResult], upload: bytes) -> AnyResult:
    """Read one image.

    Raises:
        DlflaskError: The image cannot be read.
    """
    (result,) = recogniser.read_many([upload])
    if isinstance(result, DlflaskError):
        raise result
    return result
