"""The values of the JSON channels, as `cinempc.record.log.schemas` describes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from cinempc.record.records import FrameRecord
from cinempc.rig.camera import LensState
from cinempc.rig.events import CycleEvent
from cinempc.rig.plan import FOCUS, LENS, Plan, lens_state
from cinempc.rig.state import RigState
from cinempc.rig.subject import SubjectEstimate


def lens(state: LensState, coc_mm: float) -> dict[str, float]:
    """The lens; near and far limits of the depth of field for a circle of confusion, mm."""
    near, far = state.depth_of_field(coc_mm)
    return {
        "focal_length_mm": state.focal_length_mm,
        "focus_distance_m": state.focus_distance_m,
        "focus_dioptres": 1 / state.focus_distance_m,
        "f_number": state.f_number,
        "near_m": near,
        "far_m": far,
    }


def rig(state: RigState) -> dict[str, Any]:
    """The rig as it reports itself."""
    return {
        "position": state.position.tolist(),
        "velocity": state.velocity.tolist(),
        "speed": float(np.linalg.norm(state.velocity)),
        "attitude": list(state.attitude),
        "camera_position": state.camera.position.tolist(),
        "camera_angles": [state.camera.yaw, state.camera.pitch, state.camera.roll],
        "camera_rates": state.camera_rates.tolist(),
        "ready": state.health.ready,
        "problems": [str(problem) for problem in state.health.problems],
    }


def subjects(estimates: Iterable[SubjectEstimate]) -> dict[str, Any]:
    """Subjects with all that is known of them."""
    return {"subjects": [_subject(s) for s in estimates]}


def _subject(s: SubjectEstimate) -> dict[str, Any]:
    return {
        "id": s.id,
        "category": s.category,
        "position": s.position.tolist(),
        "velocity": s.velocity.tolist(),
        "heading": s.heading,
        "height": s.height,
        "width": s.width,
        "covariance": np.round(s.covariance, 9).tolist(),
        "heading_variance": s.heading_variance,
        "height_variance": s.height_variance,
        "age": s.age,
    }


def picture(record: FrameRecord, coc_mm: float) -> dict[str, Any]:
    """How well a picture met what was asked of it."""
    return {
        "shot": record.shot_index,
        "against_truth": record.against_truth,
        "targets": [
            {
                "subject": target.subject,
                "point": target.point,
                "framing_error_pct": target.framing_error_pct,
                "scale": target.scale,
                "wanted_scale": target.wanted_scale,
                "scale_error_pct": target.scale_error_pct,
                "in_frame": target.in_frame,
            }
            for target in record.targets
        ],
        "subjects": [
            {
                "id": s.id,
                "depth_m": s.depth,
                "blur_mm": s.blur_mm,
                "sharp": s.blur_mm <= coc_mm,
                "estimate_error_m": s.estimate_error_m,
            }
            for s in record.subjects
        ],
    }


def solver(event: CycleEvent) -> dict[str, Any]:
    """The control step."""
    return {
        "shot": event.shot_index,
        "origin": event.plan.origin.value,
        "cost": event.plan.cost,
        "step_ms": event.step_ms,
        "deadline_missed": event.deadline_missed,
    }


def violations(event: CycleEvent) -> dict[str, Any]:
    """The soft constraints that were broken."""
    return {"total": len(event.violations), "by_constraint": dict(event.violations)}


def plan(plan: Plan) -> dict[str, Any]:
    """States, inputs and lens at the plan's nodes."""
    lenses = [lens_state(x[LENS]) for x in plan.states]
    return {
        "times": plan.times.tolist(),
        "states": np.round(plan.states, 6).tolist(),
        "inputs": np.round(plan.inputs, 6).tolist(),
        "headings": np.round(plan.headings, 6).tolist(),
        "origin": plan.origin.value,
        "focal_length_mm": [round(state.focal_length_mm, 4) for state in lenses],
        "f_number": [round(state.f_number, 4) for state in lenses],
        "focus_dioptres": np.round(plan.states[:, FOCUS], 6).tolist(),
    }
