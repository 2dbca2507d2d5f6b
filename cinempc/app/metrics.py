"""The figures of a take as typed values, those that a good take reaches, and those without which
its picture was not had.

``docs/takes.md`` defines each of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from cinempc.record.goals import Goal
from cinempc.record.report import FIGURES

#: What a good take reaches, for its report.
GOALS = (
    Goal("framing_error_pct.rms", at_most=2.0),
    Goal("scale_error_pct.p95", at_most=3.0),
    Goal("in_focus_pct", at_least=99.0),
    Goal("in_frame_pct", at_least=100.0),
    Goal("frames_missing_pct", at_most=1.0),
    Goal("longest_hole_s", at_most=0.25),
    Goal("constraint_violations.cycles", at_most=0),
    Goal("deadline_misses", at_most=0),
)

#: Without these nobody would take the footage for what was asked: five to ten times what a good
#: take has, so that wind, a slow machine or a subject who turns away do not spoil a take by word.
NEEDED = (
    Goal("frames", at_least=1),
    Goal("framing_error_pct.rms", at_most=15.0),
    Goal("in_frame_pct", at_least=90.0),
    Goal("frames_missing_pct", at_most=25.0),
    Goal("hover_pct", at_most=50.0),
)

#: Figures that no report has, as in `FIGURES`.
_MORE = (
    ("Pictures", "", "frames", 0),
    ("Hovering for a lost subject", "% of the time", "hover_pct", 0),
)


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Errors(_Figures):
    """Root mean square and 95th percentile of an error; None where nothing was measured."""

    rms: float | None = None
    p95: float | None = None


class Range(_Figures):
    """The least and the largest value."""

    min: float | None = None
    max: float | None = None


class Times(_Figures):
    """Times of the control steps, ms."""

    median: float | None = None
    p99: float | None = None
    max: float | None = None


class Violations(_Figures):
    """Control steps that broke a soft constraint, and by how much at worst, in its unit."""

    cycles: int = 0
    worst: dict[str, float] = {}


class StretchMetrics(_Figures):
    """A stretch of a take: a shot, or the whole of it.

    Framing errors are percent of the picture's width, scale errors percent of the size that was
    asked; shares are percent of the pictures, but ``hover_pct`` of the control steps.
    """

    frames: int
    duration_s: float | None
    framing_error_pct: Errors
    scale_error_pct: Errors
    in_focus_pct: float | None
    out_of_focus_pct: float | None
    in_frame_pct: float | None
    focal_length_mm: Range
    f_number: Range
    estimate_error_m: Errors
    jerk_rms: float | None
    step_ms: Times
    deadline_misses: int
    fallback_plans: int
    cycles: int
    subject_lost_s: float | None
    hover_s: float | None
    hover_pct: float | None = None
    frames_missing: int | None = None
    frames_missing_pct: float | None = None
    longest_hole_s: float | None = None
    constraint_violations: Violations
    realtime_factor: float | None = None


class ShotMetrics(StretchMetrics):
    """A shot, from ``start_s`` to ``end_s`` on the take's clock."""

    name: str
    move: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Verdict:
    """What became of a take's goals, in words.

    Attributes:
        failed: what was needed and not reached: the picture was not had.
        missed: what a good take reaches and this one did not.
    """

    failed: tuple[str, ...]
    missed: tuple[str, ...]

    @classmethod
    def of(cls, summary: Mapping[str, Any]) -> Verdict:
        """Of what a recorder sums up. A figure that does not apply fails nothing."""
        overall = summary["overall"]
        return cls(_not_met(NEEDED, overall), _not_met(GOALS, overall))

    @property
    def had(self) -> bool:
        """Whether the picture was had."""
        return not self.failed


def _not_met(goals: Sequence[Goal], overall: Mapping[str, Any]) -> tuple[str, ...]:
    rows = {row[2]: row for row in (*FIGURES, *_MORE)}
    words = []
    for goal in goals:
        if goal.met(overall) is False:
            label, unit, _, decimals = rows[goal.metric]
            value = f"{goal.value(overall):.{decimals}f} {unit}".strip()
            words.append(f"{label[0].lower()}{label[1:]}: {value} ({goal})")
    return tuple(words)


class TakeMetrics(_Figures):
    """What ``metrics.json`` holds."""

    interrupted: bool
    measured_against: str | None
    overall: StretchMetrics
    shots: tuple[ShotMetrics, ...]

    @classmethod
    def of(cls, summary: Mapping[str, Any]) -> TakeMetrics:
        """From what a recorder sums up."""
        return cls.model_validate(dict(summary))
