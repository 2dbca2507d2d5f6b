"""What the take loop hands to the recorder: its shots, each picture, each control step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cinempc.lost import Loss
from cinempc.mpc.plan import Plan
from cinempc.rig import CameraPose, Frame, RigState
from cinempc.subject import SubjectEstimate


@dataclass(frozen=True)
class Shot:
    """A shot of the take, from ``start`` to ``end`` on the take's clock, s.

    The first ``settle`` seconds are the allowance for getting into place: they are filmed and
    logged, but do not count in the shot's figures of the picture.
    """

    index: int
    name: str
    move: str
    start: float
    end: float
    settle: float = 0.0


@dataclass(frozen=True)
class FramingTarget:
    """Where a subject's body point was asked to be, as fractions of the frame's width and height.

    ``scale`` is the asked image height of the whole subject, as a fraction of the frame's height,
    where the shot asks for one.
    """

    subject: str
    point: str
    u: float
    v: float
    scale: float | None = None


@dataclass(frozen=True)
class FrameEvent:
    """One picture, what was asked of it, and what is known about it.

    ``truth`` and ``true_pose`` are the simulator's; empty and None where nobody knows. ``sharp``
    and ``soft`` name the subjects asked in focus and out of focus. ``estimates`` are what the
    controller believed at the frame's time.
    """

    frame: Frame
    shot_index: int
    framing: tuple[FramingTarget, ...] = ()
    truth: tuple[SubjectEstimate, ...] = ()
    true_pose: CameraPose | None = None
    sharp: tuple[str, ...] = ()
    soft: tuple[str, ...] = ()
    estimates: tuple[SubjectEstimate, ...] = ()


@dataclass(frozen=True)
class CycleEvent:
    """One control step.

    ``step_ms`` is the time that the controller took, ``violations`` name each soft constraint
    that was broken and by how much, in its unit. ``losses`` are the subjects that the
    picture must hold and that are not seen, by name.
    """

    time: float
    shot_index: int
    state: RigState
    plan: Plan
    estimates: tuple[SubjectEstimate, ...] = ()
    step_ms: float = 0.0
    deadline_missed: bool = False
    violations: Mapping[str, float] = field(default_factory=dict)
    losses: Mapping[str, Loss] = field(default_factory=dict)
