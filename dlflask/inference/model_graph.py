"""Graph of OpenVINO and facts from a model file, as one object that can be converted to bytes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlflask.inference.description import ModelDescription

#: First bytes of a graph. The number is the version of the format.
_MAGIC = b"dlflask-graph-2\n"

#: Number of bytes that store the length of one part. After `_MAGIC` come the lengths of the four
#: parts, little-endian, and then the parts.
_LENGTH_BYTES = 8


@dataclass(frozen=True, eq=False)
class Golden:
    """Golden digits: test images, and the network's outputs on the machine that made the file.

    Attributes:
        digits: The images, (N, 28, 28) uint8, ink = 255.
        outputs: The outputs for the inputs `digits / 255`, (N, 10) or (N, 11) float32.
    """

    digits: NDArray[np.uint8]
    outputs: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ModelGraph:
    """Graph of OpenVINO, and facts about the model file.

    Attributes:
        xml: Structure of the graph, in OpenVINO's XML format.
        weights: Constants of the graph, in OpenVINO's binary format.
        input_shape: Shape of the graph's input, without the batch axis. -1 stands for any size.
        description: Facts about the file, None if the network was not adapted to digits.
        thresholds: Thresholds in the file as JSON text, None if the file has none.
        golden: Golden digits in the file, None if the file has none.
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
        """Return the graph and the facts as bytes that `from_bytes` can read."""
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
        lengths = b"".join(len(part).to_bytes(_LENGTH_BYTES, "little") for part in parts)
        return b"".join([_MAGIC, lengths, *parts])

    @classmethod
    def from_bytes(cls, data: bytes) -> ModelGraph:
        """Return the graph in `data`, which `to_bytes` returned.

        Raises:
            ValueError: `data` is not a complete graph.
        """
        position = len(_MAGIC) + 4 * _LENGTH_BYTES
        fields = range(len(_MAGIC), position, _LENGTH_BYTES)
        lengths = [int.from_bytes(data[i : i + _LENGTH_BYTES], "little") for i in fields]
        if data[: len(_MAGIC)] != _MAGIC or position + sum(lengths) != len(data):
            raise ValueError("The bytes are not a complete graph.")
        parts = []
        for length in lengths:
            parts.append(data[position : position + length])
            position += length
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
            raise ValueError(f"The facts of the graph are not complete ({error!r}).") from error


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
