import os
import subprocess
import sys

import pytest

from tests.serving import ROOT

#: Converts files as the reader does, all in one process.
PROGRAM = """
import sys
from pathlib import Path
from dlflask.errors import ModelError
from dlflask.inference.environment import configure_runtime
configure_runtime()
from dlflask.inference.keras_reader.trace import convert
from dlflask.inference.keras_reader.saved_model import open_saved_model
for path in map(Path, sys.argv[2:]):
    with path.open("rb") as file:
        try:
            graph = convert(open_saved_model(file, [].append), b"", 0)
        except ModelError:
            continue
    Path(sys.argv[1], path.stem + ".graph").write_bytes(graph.to_bytes())
"""


@pytest.fixture(scope="session")
def convert_files():
    """Return a function that writes a `.graph` into a folder for each of some files."""

    def convert(folder, paths):
        subprocess.run(
            [sys.executable, "-c", PROGRAM, str(folder), *map(str, paths)],
            cwd=ROOT,
            env=os.environ | {"KERAS_BACKEND": "openvino"},
            check=True,
            timeout=300,
        )

    return convert
