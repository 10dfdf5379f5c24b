"""Network that has been read from a model file, as bytes that any process can compile."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlflask.inference.description import ModelDescription

_MAGIC = b"dlflask-graph-2\n"

#: Bytes of the lengths of the parts, each a little-endian number of eight.
_LENGTH = 8


@dataclass(frozen=True, eq=False)
class Golden:
    """Digits with the outputs of the network on the machine that made the file.

    Attributes:
        digits: (N, 28, 28) uint8, ink = 255.
        outputs: (N, 10) or (N, 11) float32, for the digits divided by 255.
    """

    digits: NDArray[np.uint8]
    outputs: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ModelGraph:
    """Graph of OpenVINO, and the other facts in the model file.

    Attributes:
        xml: Graph in OpenVINO's format.
        weights: Constants of the graph.
        input_shape: Input of the graph, without the batch axis; -1 for any size.
        description: Facts about the file, None if the network was not adapted to digits.
        thresholds: Thresholds in the file as JSON text, None if it has none.
        golden: Golden digits in the file, None if it has none.
        number_network: Description of a number network as JSON text, None if the file has none.
    """

    xml: bytes
    weights: bytes
    input_shape: tuple[int, ...]
    description: ModelDescription | None = None
    thresholds: str | None = None
    golden: Golden | None = None
    number_network: str | None = None

    def to_bytes(self) -> bytes:
        """Return the graph as bytes, from which `from_bytes` makes it again."""
        golden = None
        arrays = b""
        if self.golden:
            arrays = self.golden.digits.tobytes() + self.golden.outputs.tobytes()
            golden = [self.golden.digits.shape, self.golden.outputs.shape]
        facts = {
            "input_shape": self.input_shape,
            "description": asdict(self.description) if self.description else None,
            "thresholds": self.thresholds,
            "golden": golden,
            "number_network": self.number_network,
        }
        parts = [json.dumps(facts).encode(), self.xml, self.weights, arrays]
        lengths = b"".join(len(part).to_bytes(_LENGTH, "little") for part in parts)
        return b"".join([_MAGIC, lengths, *parts])

    @classmethod
    def from_bytes(cls, data: bytes) -> ModelGraph:
        """Return the graph in `data`.

        Raises:
            ValueError: The bytes are not a complete graph.
        """
        start = len(_MAGIC) + 4 * _LENGTH
        numbers = data[len(_MAGIC) : start]
        lengths = [int.from_bytes(numbers[i : i + _LENGTH], "little") for i in range(0, 32, 8)]
        if data[: len(_MAGIC)] != _MAGIC or start + sum(lengths) != len(data):
            raise ValueError("The bytes are not a complete graph.")
        parts = []
        for length in lengths:
            parts.append(data[start : start + length])
            start += length
        try:
            facts = json.loads(parts[0])
            return cls(
                xml=parts[1],
                weights=parts[2],
                input_shape=tuple(facts["input_shape"]),
                description=_description(facts["description"]),
                thresholds=facts["thresholds"],
                golden=_golden(facts["golden"], parts[3]),
                number_network=facts["number_network"],
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"The graph lacks {error}.") from error


def _description(facts: dict[str, Any] | None) -> ModelDescription | None:
    if facts is None:
        return None
    layers = tuple((name, kind, tuple(shape)) for name, kind, shape in facts["layers"])
    return ModelDescription(
        **facts | {"layers": layers, "input_shape": tuple(facts["input_shape"])}
    )


def _golden(shapes: list[list[int]] | None, data: bytes) -> Golden | None:
    if shapes is None:
        return None
    count = int(np.prod(shapes[0]))
    digits = np.frombuffer(data[:count], np.uint8).reshape(shapes[0])
    return Golden(digits, np.frombuffer(data[count:], np.float32).reshape(shapes[1]))
