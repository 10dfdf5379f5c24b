"""Settings that Keras and OpenVINO read when they are imported."""

from __future__ import annotations

import os
import sys

DEFAULT_BACKEND = "openvino"


def backend() -> str:
    """Return the name of Keras's backend: the variable KERAS_BACKEND, or else `openvino`."""
    return os.environ.get("KERAS_BACKEND") or DEFAULT_BACKEND


def configure_runtime() -> None:
    """Set the environment for Keras and OpenVINO. Call this before importing either of them."""
    # Keras would otherwise import TensorFlow, which the service does not need.
    os.environ["KERAS_BACKEND"] = backend()
    # Without this setting, OpenVINO's thread library TBB would, at every inference, query and set
    # again the list of CPUs on which the thread may run.
    os.environ.setdefault("HWLOC_THISSYSTEM", "0")
    # OpenVINO's package openvino_telemetry reports each import of OpenVINO to Google Analytics and
    # stores a client id under ~/intel. With this entry the package cannot be imported, so OpenVINO
    # uses its own replacement, which does nothing.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
