"""Content of a Keras model file, `.h5` or `.keras`, before a network is built from it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from dlflask.errors import ModelError
from dlflask.inference.keras_reader.archive import read_archive
from dlflask.inference.keras_reader.hdf5_file import datasets, open_hdf5, read_text
from dlflask.inference.keras_reader.identify import identify
from dlflask.inference.model_file import (
    NUMBER_NETWORK_ATTRIBUTE,
    THRESHOLDS_ATTRIBUTE,
    parse_golden,
)
from dlflask.inference.model_graph import Golden

_SAVE = "Save the whole model with `model.save('model.h5')` and serve that file."


@dataclass(frozen=True, eq=False)
class SavedModel:
    """Model file that has been checked and opened.

    Attributes:
        config: Configuration of the network, as parsed JSON.
        version: Version of Keras that saved the file, empty if the file does not contain it.
        backend: Backend of Keras that saved the file, empty if the file does not contain it.
        weights: HDF5 group with the weights of an `.h5` file, None for a `.keras` file.
        archive: The file `model.weights.h5` in a `.keras` file, None for an `.h5` file.
        num_values: Number of weights in the file.
        thresholds: Thresholds in the file as JSON text, None if the file has none.
        golden: Golden digits in the file, None if the file has none.
        number_network: Description of a number network as JSON text, None if the file has none.
    """

    config: Any
    version: str
    backend: str
    weights: Any
    archive: io.BytesIO | None
    num_values: int
    thresholds: str | None = None
    golden: Golden | None = None
    number_network: str | None = None


def open_saved_model(file: BinaryIO, say_version: Callable[[str], None]) -> SavedModel:
    """Check and open the model in `file`.

    Args:
        file: The file, at any position.
        say_version: Function that is called with the version of Keras before the network is read,
            so that the message of a later error can name the version.

    Raises:
        ModelError: The file is not a model of Keras, or is damaged.
    """
    return (_open_h5 if identify(file) == "hdf5" else _open_archive)(file, say_version)


def _open_h5(file: BinaryIO, say_version: Callable[[str], None]) -> SavedModel:
    opened = open_hdf5(file)
    group = opened.get("model_weights", opened)
    version = read_text(group.attrs, "keras_version") or read_text(opened.attrs, "keras_version")
    backend = read_text(group.attrs, "backend") or read_text(opened.attrs, "backend")
    say_version(version or "")
    text = read_text(opened.attrs, "model_config")
    if text is None:
        _raise_without_config(opened)
    thresholds = opened.attrs.get(THRESHOLDS_ATTRIBUTE)
    number_network = opened.attrs.get(NUMBER_NETWORK_ATTRIBUTE)
    return SavedModel(
        config=_parse(text or ""),
        version=version or "",
        backend=backend or "",
        weights=group,
        archive=None,
        num_values=_count(opened),
        thresholds=None if thresholds is None else str(thresholds),
        golden=parse_golden(opened.attrs),
        number_network=None if number_network is None else str(number_network),
    )


def _raise_without_config(opened: Any) -> None:
    weights = {"layer_names", "layer_names0"} & set(opened.attrs)
    if weights or {"layers", "_layer_checkpoint_dependencies", "model_weights"} & set(opened):
        raise ModelError(f"The file contains only the weights of a network. {_SAVE}")
    raise ModelError(f"The file is an HDF5 file without a model of Keras. {_SAVE}")


def _open_archive(file: BinaryIO, say_version: Callable[[str], None]) -> SavedModel:
    config, metadata, weights = read_archive(file)
    about = _parse(metadata)
    version = str(about.get("keras_version", "")) if isinstance(about, dict) else ""
    say_version(version)
    opened = open_hdf5(weights)
    num_values = _count(opened)
    return SavedModel(_parse(config), version, "", None, io.BytesIO(weights.getvalue()), num_values)


def _count(opened: Any) -> int:
    return sum(int(dataset.size) for dataset in datasets(opened))


def _parse(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(
            f"The file has a configuration that is not valid JSON ({type(error).__name__}). Copy "
            "or download the file again."
        ) from error
