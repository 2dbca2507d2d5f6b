"""What the take loop hands to the recorder: its shots, each picture, each control step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from cinempc.rig.plan import Plan
from cinempc.rig.state import CameraPose, Frame, RigState
from cinempc.rig.subject import SubjectEstimate


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


class LossPhase(IntEnum):
    """What is done about a subject; the higher ones outrank the lower."""

    SEEN = 0  # or not seen for a moment: its prediction is filmed
    WIDE = 1  # the picture widens
    HOVER = 2  # the vehicle stands still


@dataclass(frozen=True)
class Loss:
    """A subject that is not seen. Times are on the take's clock, s.

    Attributes:
        subject: its name.
        last_seen: when it was seen last.
        phase: `LossPhase.WIDE` or `LossPhase.HOVER`.
        since: when the phase began.
    """

    subject: str
    last_seen: float
    phase: LossPhase
    since: float

    def is_found(self, last_seen: float | None) -> bool:
        """Whether a subject that was seen last at this time, s, was seen after it was lost."""
        return last_seen is not None and last_seen > self.last_seen + 0.01


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
    picture must hold and that are not seen, by name; ``absent`` the shot's subjects that were never
    found, without which it is flown.
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
    absent: tuple[str, ...] = ()
