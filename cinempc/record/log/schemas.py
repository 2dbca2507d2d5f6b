"""The JSON channels of ``take.mcap`` and their schemas."""

from __future__ import annotations

from typing import Any

from cinempc.rig.plan import Origin

_NUMBER = {"type": ["number", "null"]}
_NUMBERS = {"type": "array", "items": {"type": "number"}}
_ROWS = {"type": "array", "items": _NUMBERS}
_TEXT = {"type": "string"}
_FLAG = {"type": "boolean"}
_INTEGER = {"type": "integer"}


def _schema(title: str, description: str, **properties: Any) -> dict[str, Any]:
    return {
        "title": title,
        "description": description,
        "type": "object",
        "properties": {"time": {"type": "number", "description": "s"}, **properties},
    }


def _rows_of(**properties: Any) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object", "properties": properties}}


_SUBJECTS = _rows_of(
    id=_TEXT,
    category=_TEXT,
    position=_NUMBERS,
    velocity=_NUMBERS,
    heading=_NUMBER,
    height=_NUMBER,
    width=_NUMBER,
    covariance=_ROWS,
    heading_variance=_NUMBER,
    height_variance=_NUMBER,
    age=_NUMBER,
)

#: The JSON channels: topic, and the schema of its messages.
JSON_CHANNELS: dict[str, dict[str, Any]] = {
    "/lens": _schema(
        "cinempc.Lens",
        "The lens at a control step. An infinite distance is null; its dioptres are 0.",
        focal_length_mm=_NUMBER,
        focus_distance_m=_NUMBER,
        focus_dioptres=_NUMBER,
        f_number=_NUMBER,
        near_m=_NUMBER,
        far_m=_NUMBER,
    ),
    "/rig": _schema(
        "cinempc.RigState",
        "The rig as its own sensors report it; world ENU, m, rad.",
        position=_NUMBERS,
        velocity=_NUMBERS,
        speed=_NUMBER,
        attitude=_NUMBERS,
        camera_position=_NUMBERS,
        camera_angles=_NUMBERS,
        camera_rates=_NUMBERS,
        ready=_FLAG,
        problems={"type": "array", "items": _TEXT},
    ),
    "/subjects": _schema(
        "cinempc.Subjects", "What the controller believes of the subjects.", subjects=_SUBJECTS
    ),
    "/truth": _schema(
        "cinempc.Truth", "Where the subjects are, at a picture's time.", subjects=_SUBJECTS
    ),
    "/picture": _schema(
        "cinempc.Picture",
        "How well a picture met what was asked of it.",
        shot=_INTEGER,
        against_truth=_FLAG,
        targets=_rows_of(
            subject=_TEXT,
            point=_TEXT,
            framing_error_pct=_NUMBER,
            scale=_NUMBER,
            wanted_scale=_NUMBER,
            scale_error_pct=_NUMBER,
            in_frame=_FLAG,
        ),
        subjects=_rows_of(
            id=_TEXT, depth_m=_NUMBER, blur_mm=_NUMBER, sharp=_FLAG, estimate_error_m=_NUMBER
        ),
    ),
    "/solver": _schema(
        "cinempc.Solver",
        "The control step.",
        shot=_INTEGER,
        origin={"type": "string", "enum": [origin.value for origin in Origin]},
        cost=_NUMBER,
        step_ms=_NUMBER,
        deadline_missed=_FLAG,
    ),
    "/violations": _schema(
        "cinempc.Violations",
        "Soft constraints that were broken and by how much, in the constraint's unit.",
        total=_INTEGER,
        by_constraint={"type": "object", "additionalProperties": {"type": "number"}},
    ),
    "/plan": _schema(
        "cinempc.Plan",
        "States and inputs at the plan's nodes, in the order of cinempc/rig/plan.py.",
        times=_NUMBERS,
        states=_ROWS,
        inputs=_ROWS,
        headings=_NUMBERS,
        origin=_TEXT,
        focal_length_mm=_NUMBERS,
        f_number=_NUMBERS,
        focus_dioptres=_NUMBERS,
    ),
}
