"""Pixels to subjects."""

import os

# ONNX Runtime reads these when it is imported: since 1.29 it would otherwise keep a device id in
# the home, complain where it cannot, and send its makers what it runs.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("ORT_TELEMETRY_DISABLED", "1")
