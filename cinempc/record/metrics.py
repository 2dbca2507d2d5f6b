"""The figures of a take: `summarise` boils its records down to what ``metrics.json`` holds.

All are pure functions. ``docs/takes.md`` defines each figure.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from cinempc.record.holes import frame_period, holes
from cinempc.record.records import CycleRecord, FrameRecord
from cinempc.rig.events import Loss, LossPhase, Shot
from cinempc.rig.plan import Origin

#: The least reported violation that counts, in the constraint's unit: below it is the solver's
#: own accuracy.
VIOLATION_TOLERANCE = 1e-3

#: Plans that were flown for want of a solution.
_FALLBACKS = (Origin.SHIFTED.value, Origin.BRAKING.value)


def summarise(
    shots: Sequence[Shot],
    frame_records: Sequence[FrameRecord],
    cycle_records: Sequence[CycleRecord],
    *,
    coc_mm: float,
    frame_rate: float | None = None,
    wall_s: float | None = None,
    interrupted: bool = False,
    about: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What ``metrics.json`` holds: plain values, None where a figure does not apply.

    Args:
        shots: the shots of the take, those that were not reached too.
        frame_records: of every picture, in order.
        cycle_records: of every control step, in order.
        coc_mm: the camera's circle of confusion.
        frame_rate: of the footage, 1/s: without it nothing is known of missing pictures.
        wall_s: how long the take took on the wall clock, s.
        interrupted: whether it ended before its time.
        about: what else to say of the take (name, seed, versions); goes in as ``take``.
    """
    settled = _settled(shots)
    sources = {record.against_truth for record in frame_records if record.subjects}
    measured = {frozenset({True}): "truth", frozenset({False}): "estimates"}.get(
        frozenset(sources), "both" if sources else None
    )
    overall = figures(frame_records, cycle_records, coc_mm, settled)
    duration = overall["duration_s"]
    overall["realtime_factor"] = duration / wall_s if wall_s and duration else None
    times = [record.time for record in frame_records]
    period = frame_period(times, frame_rate)
    until = times[-1] if interrupted and times else math.inf
    if period is not None and shots:
        overall |= holes(times, shots[0].start, min(shots[-1].end, until), period)
    per_shot = []
    for shot in shots:
        mine = [record for record in frame_records if record.shot_index == shot.index]
        steps = [record for record in cycle_records if record.shot_index == shot.index]
        missing = {}
        if period is not None:
            mine_at = [record.time for record in mine]
            missing = holes(mine_at, shot.start, min(shot.end, until), period)
        per_shot.append(
            {
                "index": shot.index,
                "name": shot.name,
                "move": shot.move,
                "start_s": shot.start,
                "end_s": shot.end,
                "settle_s": shot.settle,
                **figures(mine, steps, coc_mm, settled),
                **missing,
            }
        )
    found: dict[str, Any] = plain(
        {
            "format": 1,
            "take": dict(about or {}),
            "interrupted": interrupted,
            "measured_against": measured,
            "circle_of_confusion_mm": coc_mm,
            "violation_tolerance": VIOLATION_TOLERANCE,
            "overall": overall,
            "losses": losses(cycle_records),
            "shots": per_shot,
        }
    )
    return found


def figures(
    frame_records: Sequence[FrameRecord],
    cycle_records: Sequence[CycleRecord],
    coc_mm: float,
    settled: Callable[[FrameRecord], bool] = lambda record: True,
) -> dict[str, Any]:
    """The figures of a stretch of the take, a shot or the whole of it.

    ``settled`` says whether a picture counts in the picture's figures; flight and solver figures
    take every step.
    """
    counted = [record for record in frame_records if settled(record)]
    names = sorted({s.id for record in counted for s in record.subjects})
    return {
        "frames": len(frame_records),
        "duration_s": _duration(frame_records, cycle_records),
        **_picture(counted, coc_mm, None),
        "focal_length_mm": _range([record.focal_length_mm for record in frame_records]),
        "f_number": _range([record.f_number for record in frame_records]),
        "estimate_error_m": _errors(
            s.estimate_error_m for record in counted for s in record.subjects
        ),
        "subjects": {name: _picture(counted, coc_mm, name) for name in names},
        **_flight(cycle_records),
        "constraint_violations": _violations(cycle_records),
    }


def plain(value: Any) -> Any:
    """The same value as JSON can hold it: numpy's numbers as Python's, NaN and ∞ as None."""
    if type(value) is float:  # most are
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _picture(records: Sequence[FrameRecord], coc_mm: float, name: str | None) -> dict[str, Any]:
    """The picture's figures, of one subject or of all."""

    def mine(subject: str) -> bool:
        return name is None or subject == name

    framing, scale = [], []
    in_frame, in_focus, out_of_focus = [], [], []
    for record in records:
        targets = [target for target in record.targets if mine(target.subject)]
        framing += [target.framing_error_pct for target in targets]
        scale += [target.scale_error_pct for target in targets if target.wanted_scale]
        if targets:
            in_frame.append(all(target.in_frame for target in targets))
        blur = {s.id: s.blur_mm for s in record.subjects}
        asked_sharp = [blur[s] for s in record.sharp if s in blur and mine(s)]
        asked_soft = [blur[s] for s in record.soft if s in blur and mine(s)]
        if asked_sharp:
            in_focus.append(all(b <= coc_mm for b in asked_sharp))
        if asked_soft:
            out_of_focus.append(all(b > coc_mm for b in asked_soft))
    return {
        "framing_error_pct": _errors(framing),
        "scale_error_pct": _errors(value for value in scale if value is not None),
        "in_focus_pct": _share(in_focus),
        "out_of_focus_pct": _share(out_of_focus),
        "in_frame_pct": _share(in_frame),
    }


def _flight(records: Sequence[CycleRecord]) -> dict[str, Any]:
    steps = np.array([record.step_ms for record in records if math.isfinite(record.step_ms)])
    timing: dict[str, float | None] = {"median": None, "p99": None, "max": None}
    if steps.size:
        timing = {
            "median": float(np.median(steps)),
            "p99": float(np.percentile(steps, 99)),
            "max": float(steps.max()),
        }
    return {
        "jerk_rms": _rms([math.hypot(*record.jerk) for record in records]),
        "camera_jerk_rms": _rms(_camera_jerks(records)),
        "step_ms": timing,
        "deadline_misses": sum(record.deadline_missed for record in records),
        "fallback_plans": sum(record.origin in _FALLBACKS for record in records),
        "cycles": len(records),
        "subject_lost_s": _time_share(records, lambda record: bool(record.losses)),
        "hover_s": _time_share(records, lambda record: record.origin == Origin.HOVERING.value),
        "hover_pct": _share([record.origin == Origin.HOVERING.value for record in records]),
    }


def _time_share(
    records: Sequence[CycleRecord], counts: Callable[[CycleRecord], bool]
) -> float | None:
    """Time of the steps that count, s: the steps' spacing counts once for each."""
    duration = _duration((), records)
    if duration is None:
        return None
    return duration * sum(counts(record) for record in records) / len(records)


def losses(records: Sequence[CycleRecord]) -> list[dict[str, Any]]:
    """Each loss of a subject, in order, times in s: when it was seen last, when that was noticed,
    when the vehicle began to hover (None: it did not), when the loss ended (None: it did not) and
    whether that was because the subject was found."""
    found: list[dict[str, Any]] = []
    running: dict[str, tuple[Loss, dict[str, Any]]] = {}
    for record in records:
        for name in [name for name in running if name not in record.losses]:
            loss, entry = running.pop(name)
            entry["ended_s"] = record.time
            entry["found"] = loss.is_found(record.last_seen.get(name))
        hovers = record.origin == Origin.HOVERING.value
        for name, loss in record.losses.items():
            if name not in running:
                entry = {
                    "subject": name,
                    "last_seen_s": loss.last_seen,
                    "noticed_s": record.time,
                    "hovered_s": None,
                    "ended_s": None,
                    "found": False,
                }
                running[name] = loss, entry
                found.append(entry)
            entry = running[name][1]
            if hovers and loss.phase is LossPhase.HOVER and entry["hovered_s"] is None:
                entry["hovered_s"] = record.time
    return found


def _camera_jerks(records: Sequence[CycleRecord]) -> list[float]:
    """Angular jerk of the camera between steps, rad/s³: difference of angular accelerations."""
    jerks = []
    for before, after in itertools.pairwise(records):
        dt = after.time - before.time
        if dt > 0 and before.shot_index == after.shot_index:
            jerks.append(math.dist(after.angular_acceleration, before.angular_acceleration) / dt)
    return jerks


def _violations(records: Sequence[CycleRecord]) -> dict[str, Any]:
    worst: dict[str, float] = {}
    broken = 0
    for record in records:
        over = {k: v for k, v in record.violations.items() if v > VIOLATION_TOLERANCE}
        broken += bool(over)
        for name, value in over.items():
            worst[name] = max(worst.get(name, 0.0), value)
    return {"cycles": broken, "worst": dict(sorted(worst.items()))}


def _settled(shots: Sequence[Shot]) -> Callable[[FrameRecord], bool]:
    from_time = {shot.index: shot.start + shot.settle for shot in shots}
    # Clocks are sums of steps: a picture on the boundary counts however its time was rounded.
    return lambda record: record.time >= from_time.get(record.shot_index, -math.inf) - 1e-6


def _duration(
    frame_records: Sequence[FrameRecord], cycle_records: Sequence[CycleRecord]
) -> float | None:
    """Length of the stretch: the frames' spacing counts once for each frame."""
    records: Sequence[FrameRecord | CycleRecord] = frame_records or cycle_records
    if not records:
        return None
    if len(records) == 1:
        return 0.0
    span = records[-1].time - records[0].time
    return span * len(records) / (len(records) - 1)


def _errors(values: Iterable[float]) -> dict[str, float | None]:
    size = np.abs([value for value in values if math.isfinite(value)])
    if not size.size:
        return {"rms": None, "p95": None}
    return {"rms": float(np.sqrt(np.mean(size**2))), "p95": float(np.percentile(size, 95))}


def _rms(values: Sequence[float]) -> float | None:
    return _errors(values)["rms"]


def _range(values: Sequence[float]) -> dict[str, float | None]:
    return {"min": min(values, default=None), "max": max(values, default=None)}


def _share(hits: Sequence[bool]) -> float | None:
    return 100 * sum(hits) / len(hits) if hits else None
