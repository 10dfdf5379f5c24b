"""`check`: report whether and how the service would serve a model file."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any, TextIO

from dlflask.cli.predict import load_digit_recogniser
from dlflask.config import ROOT, Config
from dlflask.errors import ModelError
from dlflask.inference.description import NUM_SAMPLES, OUTPUT_KINDS, ModelDescription
from dlflask.recogniser import read

#: Exit statuses of the command `check`.
SERVED, NOT_SERVED = 0, 1

#: Number of times that each sample digit is read to measure the time of one image.
ROUNDS = 10


def check(path: Path, output: TextIO, errors: TextIO, *, as_json: bool) -> int:
    """Write the report on the model at `path`, or the reason why it would not be served.

    Returns:
        The exit status: `SERVED` or `NOT_SERVED`.

    Raises:
        ConfigError: KERAS_BACKEND names a package that is not installed.
    """
    try:
        report = measure(path)
    except ModelError as error:
        report = {"file": str(path), "served": False, "error": str(error)}
    if as_json:
        print(json.dumps(report, ensure_ascii=False), file=output)
    elif report["served"]:
        print("\n".join(to_lines(report)), file=output)
    else:
        print(f"Not served: {report['error']}", file=errors)
    return SERVED if report["served"] else NOT_SERVED


def measure(path: Path) -> dict[str, Any]:
    """Load and test the model as the service does, measure its speed, and return the report.

    Raises:
        ConfigError, ModelError: For the same reasons as in `load_digit_recogniser`.
    """
    started = time.perf_counter()
    recogniser = load_digit_recogniser(replace(Config.from_environment(), model_path=path))
    load_seconds = time.perf_counter() - started
    uploads = [sample.read_bytes() for sample in sorted(ROOT.glob("static/samples/*.png"))]
    times = [read(recogniser, upload).milliseconds for upload in uploads * ROUNDS]
    classifier = recogniser.classifier
    return {
        "file": str(path),
        "sha256": classifier.sha256,
        "load_seconds": round(load_seconds, 2),
        # The time of an image includes decoding and normalisation.
        "image_milliseconds": round(median(sum(stages.values()) for stages in times), 3),
        "network_milliseconds": round(median(stages["predict"] for stages in times), 3),
        **describe(classifier.description),
    }


def describe(description: ModelDescription) -> dict[str, Any]:
    """Return the part of the report that does not depend on this machine."""
    layers = [
        {"name": name, "class": kind, "output_shape": shape[1:]}
        for name, kind, shape in description.layers
    ]
    warning = description.sentence() if description.is_doubtful else None
    return asdict(description) | {"layers": layers, "served": True, "warning": warning}


def to_lines(report: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a report whose model would be served."""
    facts = {
        "file": report["file"],
        "SHA-256": report["sha256"],
        "saved by": f"Keras {report['keras_version'] or '(unknown version)'}",
        "input": f"{_shape(report['input_shape'])}, values {report['convention']}",
        "outputs": f"{report['num_classes']} {OUTPUT_KINDS[report['outputs']]}",
        "weights": f"{report['num_parameters']:,}",
        "sample digits": f"{report['samples_read']} of {NUM_SAMPLES} read",
        "load": f"{report['load_seconds']:.1f} s",
        "one image": f"{report['image_milliseconds']:.2f} ms, of which the network takes "
        f"{report['network_milliseconds']:.2f} ms",
    }
    layers = [
        (layer["name"], layer["class"], _shape(layer["output_shape"])) for layer in report["layers"]
    ]
    yield from _align(list(facts.items()))
    yield ""
    yield from _align([("layer", "class", "output"), *layers])
    yield ""
    yield f"Served, with a warning. {report['warning']}" if report["warning"] else "Served."


def _align(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a table with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _shape(shape: Sequence[int | None]) -> str:
    return " x ".join("any" if side is None else str(side) for side in shape)
