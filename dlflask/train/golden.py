"""Golden digits: what the network says of the samples, stored in its file for the self-test.

`python -m dlflask.train.golden FILE` stores them in a file that has none, and mends its report.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from dataclasses import replace
from pathlib import Path

# The reference: Keras's own predictions on OpenVINO are rounded where the processor has bfloat16.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np

from dlflask.image import decode_image
from dlflask.model_file import Golden, write_golden
from dlflask.preprocess import to_mnist
from dlflask.train.model_card import Report
from dlflask.train.scoring import predict, to_tensors

#: One of each digit, as the page offers them.
SAMPLES = Path(__file__).resolve().parents[2] / "static" / "samples"


def store_golden(path: Path) -> None:
    """Store in the model file at `path` what it says, on this backend, of the samples."""
    pictures = [file.read_bytes() for file in sorted(SAMPLES.glob("*.png"))]
    tensors = np.stack([to_mnist(decode_image(picture)) for picture in pictures])
    # In steps of 1/255, so that what is stored is exactly what was asked about.
    digits = np.rint(tensors * 255).astype(np.uint8)
    model = keras.models.load_model(path, compile=False)
    outputs = predict(model, to_tensors(digits))
    write_golden(path, Golden(digits, outputs.astype(np.float32)))


def main(argv: list[str] | None = None) -> int:
    """Store golden digits in a model file, and its new hash and size in the report beside it."""
    parser = argparse.ArgumentParser(prog="python -m dlflask.train.golden", description=__doc__)
    parser.add_argument("path", type=Path, metavar="FILE")
    path: Path = parser.parse_args(argv).path
    store_golden(path)
    report = path.with_suffix(".json")
    if report.is_file():
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        mended = replace(Report.read(report), sha256=sha256, file_bytes=path.stat().st_size)
        mended.write(report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
