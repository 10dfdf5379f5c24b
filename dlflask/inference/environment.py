"""Settings of Keras and OpenVINO that they read when they are imported."""

from __future__ import annotations

import os
import sys

DEFAULT_BACKEND = "openvino"


def backend() -> str:
    """Return the name of Keras's backend: KERAS_BACKEND, or OpenVINO."""
    return os.environ.get("KERAS_BACKEND") or DEFAULT_BACKEND


def configure_runtime() -> None:
    """Set the environment for Keras and OpenVINO; call this before either is imported."""
    # OpenVINO makes TensorFlow unnecessary.
    os.environ["KERAS_BACKEND"] = backend()
    # Stop TBB, which OpenVINO uses, from querying and resetting its thread's CPUs at every
    # inference.
    os.environ.setdefault("HWLOC_THISSYSTEM", "0")
    # OpenVINO's openvino_telemetry reports each import to Google Analytics and keeps a client id
    # under ~/intel. This entry makes its import fail, and OpenVINO then uses its own stub.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
