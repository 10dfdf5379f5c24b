"""Process that reads a model file: `python -m dlflask.inference.keras_reader FD COUNT`.

The process reads the model file from descriptor FD, and COUNT sample digits (28 x 28 float32 each)
from standard input. It writes a `ModelGraph` to standard output and exits with 0. If the file
cannot be served, the process writes JSON with the keys `error` and `keras_version`, and exits with
`REFUSED`.
"""

from __future__ import annotations

import json
import os
import sys

from dlflask.errors import ModelError
from dlflask.inference.keras_reader import REFUSED
from dlflask.inference.keras_reader.limits import limit_process

#: Version of Keras that saved the file, in a list so that a callback can store it.
_version = [""]


def main(descriptor: int, count: int) -> int:
    """Read the model, write its graph or an error, and return the exit code."""
    # Layers and libraries may print text. Send the text to standard error, so that standard output
    # contains only the graph.
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    limit_process()
    try:
        data = _read(descriptor, sys.stdin.buffer.read(), count)
        code = 0
    except ModelError as error:
        data, code = _refusal(str(error)), REFUSED
    except MemoryError:
        data, code = _refusal("The file needs too much memory. Serve a smaller network."), REFUSED
    except RecursionError:
        data = _refusal("The file has layers that are nested too deeply. Serve another network.")
        code = REFUSED
    except Exception as error:  # noqa: BLE001  a file may make Keras raise anything
        reason = f"{type(error).__name__}: {error}"
        data = _refusal(
            f"The file cannot be read as a Keras model ({' '.join(reason.split())[:300]}). If the "
            "file is damaged, copy or download it again. Otherwise, save the model again with "
            "`model.save`."
        )
        code = REFUSED
    output.write(data)
    output.close()
    return code


def _read(descriptor: int, samples: bytes, count: int) -> bytes:
    # Import these modules only after `limit_process`, so that the limits apply to these imports.
    from dlflask.inference.environment import configure_runtime  # noqa: PLC0415
    from dlflask.inference.keras_reader.saved_model import open_saved_model  # noqa: PLC0415

    with os.fdopen(descriptor, "rb") as file:
        saved = open_saved_model(file, lambda version: _version.__setitem__(0, version))
        configure_runtime()
        from dlflask.inference.keras_reader.trace import convert  # noqa: PLC0415

        return convert(saved, samples, count).to_bytes()


def _refusal(message: str) -> bytes:
    return json.dumps({"error": message, "keras_version": _version[0][:40]}).encode()


if __name__ == "__main__":
    # Exit without the destructors of OpenVINO and Keras, which take a tenth of a second.
    code = main(int(sys.argv[1]), int(sys.argv[2]))
    sys.stderr.flush()
    os._exit(code)
