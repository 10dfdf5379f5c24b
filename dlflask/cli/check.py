"""`check`: report whether and how the service would serve a model file."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from dlflask.cli.predict import load_classifier
from dlflask.config import ROOT, Config
from dlflask.errors import ModelError
from dlflask.inference.description import NUM_SAMPLES, OUTPUT_KINDS, ModelDescription
from dlflask.recogniser import read

#: Exit statuses of the command `check`.
SERVED, NOT_SERVED = 0, 1

#: Number of times that each sample digit is read when the time of one image is measured.
ROUNDS = 10


@dataclass(frozen=True)
class CheckedModel:
    """A model file that would be served.

    Attributes:
        file: Path of the file, as given on the command line.
        sha256: SHA-256 of the file, in hexadecimal.
        description: Facts about the file.
        load_seconds: Time to load, compile and test the model.
        image_milliseconds: Median time to read one sample digit, including decoding and
            normalisation.
        network_milliseconds: Median time of the network alone for one sample digit.
    """

    file: str
    sha256: str
    description: ModelDescription
    load_seconds: float
    image_milliseconds: float
    network_milliseconds: float


def check(path: Path, output: TextIO, errors: TextIO, *, as_json: bool) -> int:
    """Write the report on the model at `path`, or the reason why it would not be served.

    Returns:
        The exit status: `SERVED` or `NOT_SERVED`.

    Raises:
        ConfigError: KERAS_BACKEND names a package that is not installed.
    """
    try:
        model = load(path)
    except ModelError as error:
        if as_json:
            print(_to_json({"file": str(path), "served": False, "error": str(error)}), file=output)
        else:
            print(f"Not served: {error}", file=errors)
        return NOT_SERVED
    if as_json:
        print(_to_json(to_dict(model)), file=output)
    else:
        print("\n".join(to_lines(model)), file=output)
    return SERVED


def load(path: Path) -> CheckedModel:
    """Load and test the model as the service does, and measure its speed.

    Raises:
        ConfigError, ModelError: For the same reasons as in `load_classifier`.
    """
    started = time.perf_counter()
    config = replace(Config.from_environment(), model_path=path)
    classifier, _ = load_classifier(config)
    load_seconds = time.perf_counter() - started
    # This import loads OpenVINO. It is done only here, so that `--help` answers without a delay.
    from dlflask.digits.recogniser import DigitRecogniser  # noqa: PLC0415

    recogniser = DigitRecogniser(classifier)
    uploads = [sample.read_bytes() for sample in sorted(ROOT.glob("static/samples/*.png"))]
    results = [read(recogniser, upload) for upload in uploads * ROUNDS]
    return CheckedModel(
        file=str(path),
        sha256=classifier.sha256,
        description=classifier.description,
        load_seconds=round(load_seconds, 2),
        image_milliseconds=_median([sum(one.milliseconds.values()) for one in results]),
        network_milliseconds=_median([one.milliseconds["predict"] for one in results]),
    )


def to_dict(model: CheckedModel) -> dict[str, Any]:
    """Return the report as one flat dictionary.

    The report on a rejected model has the keys `file` and `served`, too.
    """
    measured = asdict(model)
    description = measured.pop("description")
    layers = [
        {"name": name, "class": kind, "output_shape": shape[1:]}
        for name, kind, shape in model.description.layers
    ]
    warning = model.description.sentence() if model.description.is_doubtful else None
    return measured | description | {"layers": layers, "served": True, "warning": warning}


def to_lines(model: CheckedModel) -> Iterator[str]:
    """Yield the report as lines of text."""
    description = model.description
    facts = {
        "file": model.file,
        "SHA-256": model.sha256,
        "saved by": f"Keras {description.keras_version or '(unknown version)'}",
        "input": f"{_shape(description.input_shape)}, values {description.convention}",
        "outputs": f"{description.num_classes} {OUTPUT_KINDS[description.outputs]}",
        "weights": f"{description.num_parameters:,}",
        "sample digits": f"{description.samples_read} of {NUM_SAMPLES} read",
        "load": f"{model.load_seconds:.1f} s",
        "one image": f"{model.image_milliseconds:.2f} ms, of which the network takes "
        f"{model.network_milliseconds:.2f} ms",
    }
    width = max(map(len, facts))
    yield from (f"{name:<{width}}  {value}" for name, value in facts.items())
    yield ""
    yield from _columns(
        [(name, kind, _shape(shape[1:])) for name, kind, shape in description.layers]
    )
    yield ""
    if description.is_doubtful:
        yield f"Served, with a warning. {description.sentence()}"
    else:
        yield "Served."


def _columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a table of layers, with aligned columns."""
    table = [("layer", "class", "output"), *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _shape(shape: Sequence[int | None]) -> str:
    return " x ".join("any" if side is None else str(side) for side in shape)


def _median(values: Sequence[float]) -> float:
    return round(statistics.median(values), 3)


def _to_json(report: dict[str, Any]) -> str:
    return json.dumps(report, ensure_ascii=False)
