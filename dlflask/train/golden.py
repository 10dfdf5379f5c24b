"""Golden digits: sample images and the model's outputs for them, for the service's self-test.

`python -m dlflask.train.golden FILE` stores golden digits in a model file and updates the model
card beside it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from dataclasses import replace
from pathlib import Path

# Use TensorFlow, because OpenVINO rounds to bfloat16 on processors with bfloat16.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np

from dlflask.digits.normalization import read_tensor
from dlflask.inference.model_file import write_golden
from dlflask.inference.model_graph import Golden
from dlflask.train.model_card import ModelCard
from dlflask.train.scoring import predict, to_tensors

#: Folder of the sample images of the web page, one image of each digit.
SAMPLES = Path(__file__).resolve().parents[2] / "static" / "samples"


def store_golden(path: Path) -> None:
    """Store the sample images and the outputs for them in the model file `path`."""
    uploads = [file.read_bytes() for file in sorted(SAMPLES.glob("*.png"))]
    tensors = np.stack([read_tensor(upload) for upload in uploads])
    # Compute the outputs for the rounded images, because the file stores images as bytes.
    digits = np.rint(tensors * 255).astype(np.uint8)
    model = keras.models.load_model(path, compile=False)
    outputs = predict(model, to_tensors(digits))
    write_golden(path, Golden(digits, outputs.astype(np.float32)))


def main(argv: list[str] | None = None) -> int:
    """Store golden digits in a model file, and update the hash and the size in its model card."""
    parser = argparse.ArgumentParser(prog="python -m dlflask.train.golden", description=__doc__)
    parser.add_argument("path", type=Path, metavar="FILE")
    path: Path = parser.parse_args(argv).path
    store_golden(path)
    card = path.with_suffix(".json")
    if card.is_file():
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        replace(ModelCard.read(card), sha256=sha256, file_bytes=path.stat().st_size).write(card)
    return 0


if __name__ == "__main__":
    sys.exit(main())
