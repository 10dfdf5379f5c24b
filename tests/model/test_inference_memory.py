"""Memory exhaustion inside OpenVINO."""

import subprocess
import sys

import pytest

from tests.serving import ROOT

#: Runs an inference that needs more memory than the kernel grants, in a separate process because
#: the limit cannot be raised again.
SCRIPT = """
import resource
from pathlib import Path

import numpy as np

from dlflask.inference.load_graph import load_graph
from dlflask.inference.openvino_runtime import compile_graph

forward = compile_graph(load_graph(Path("mnist_model.h5"))[1])
batch = np.zeros((50_000, 784), np.float32)
status = Path("/proc/self/status").read_text()
used = 1024 * int(status.partition("VmData:")[2].split()[0])
resource.setrlimit(resource.RLIMIT_DATA, (used + 32_000_000, used + 32_000_000))
try:
    forward(batch)
except MemoryError as error:
    print(error, flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel bounds a process on Linux only")
def test_inference_without_memory_raises_memory_error():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={"KERAS_BACKEND": "openvino"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.stdout == "OpenVINO ran out of memory.\n", done.stderr
