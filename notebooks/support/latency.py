"""`python -m notebooks.support.latency MODEL`: latency of one prediction on the runtime."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from dlflask.digits.classifier import Classifier
from dlflask.types import SIZE

NUM_CALLS = 500


def measure_latency(path: Path) -> tuple[float, float]:
    """Return the median and the 99th percentile of `NUM_CALLS` predictions, in milliseconds."""
    classifier = Classifier(path)
    classifier.warm_up()
    tensor = np.zeros((SIZE, SIZE), np.float32)
    times = []
    for _ in range(NUM_CALLS):
        started = time.perf_counter()
        classifier.predict(tensor)
        times.append(1_000 * (time.perf_counter() - started))
    median, slowest = np.percentile(times, [50, 99])
    return float(median), float(slowest)


if __name__ == "__main__":
    median, slowest = measure_latency(Path(sys.argv[1]))
    sys.stdout.write(f"one image: median {median:.2f} ms, 99th percentile {slowest:.2f} ms\n")
