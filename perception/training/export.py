"""Trained weights to an ONNX file to ship: any picture size, half the bytes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from ultralytics import YOLO

_LEAST = 64  # numbers; smaller tensors are not worth a cast


def export(weights: Path, target: Path, *, size: int = 640, about: Mapping[str, str]) -> Path:
    """Write ONNX: weights as half floats, which the runtime widens once when it loads them.

    Args:
        weights: ultralytics' ``.pt``.
        target: where the file goes; replaced when all of it is written.
        size: px, the longer side that is meant.
        about: more metadata: data, seed, licence.
    """
    exported = Path(YOLO(str(weights)).export(format="onnx", dynamic=True, imgsz=size, opset=17))
    model = onnx.load(exported)
    halve(model)
    for key, value in about.items():
        entry = next((m for m in model.metadata_props if m.key == key), None)
        if entry is None:
            entry = model.metadata_props.add()
            entry.key = key
        entry.value = value
    onnx.checker.check_model(model)
    part = target.with_suffix(".part")
    onnx.save(model, part)
    os.replace(part, target)
    exported.unlink()
    return target


def halve(model: onnx.ModelProto) -> None:
    """Store a model's large float32 weights as float16, each with a cast back."""
    graph = model.graph
    casts = []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < _LEAST:
            continue
        small = numpy_helper.from_array(values.astype(np.float16), f"{tensor.name}.half")
        casts.append(helper.make_node("Cast", [small.name], [tensor.name], to=TensorProto.FLOAT))
        graph.initializer.remove(tensor)
        graph.initializer.append(small)
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])
