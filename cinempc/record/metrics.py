"""The figures of a take, from small numeric records of its pictures and control steps.

`measure_frame` and `measure_cycle` boil an event down to a record; `summarise` boils the records
down to what ``metrics.json`` holds. All are pure functions. ``docs/takes.md`` defines each figure.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc import frames, lens
from cinempc.lost import Loss, Phase, last_seen
from cinempc.mpc.plan import ANGULAR_ACCELERATION, Origin
from cinempc.record.events import CycleEvent, FrameEvent, FramingTarget, Shot
from cinempc.rig import CameraPose, Frame
from cinempc.subject import BODY_POINTS, SubjectEstimate

Floats = NDArray[np.float64]
Vector = tuple[float, float, float]

#: Error, percent, of a point that has no image because it is behind the camera.
BEHIND_PCT = 100.0

#: The least reported violation that counts, in the constraint's unit: below it is the solver's
#: own accuracy.
VIOLATION_TOLERANCE = 1e-3

#: Plans that were flown for want of a solution.
_FALLBACKS = (Origin.SHIFTED.value, Origin.BRAKING.value)

#: The point whose depth says whether a subject is in focus: a focus puller focuses on the eyes.
FOCUS_POINT = "eyes"


@dataclass(frozen=True)
class TargetRecord:
    """How well one framing target was met. ``scale`` and ``wanted_scale`` are fractions of the
    frame's height; None where no scale was asked."""

    subject: str
    point: str
    framing_error_pct: float
    in_frame: bool
    scale: float
    wanted_scale: float | None

    @property
    def scale_error_pct(self) -> float | None:
        """Got over wanted size, less one, percent."""
        if self.wanted_scale is None:
            return None
        return (self.scale / self.wanted_scale - 1) * 100


@dataclass(frozen=True)
class SubjectRecord:
    """A subject as the camera sees it: depth of the eyes along the optical axis, m (not positive
    behind the camera), their blur circle, mm, its place on the ground, and by how much the
    estimate of that was wrong, m (NaN unknown)."""

    id: str
    depth: float
    blur_mm: float
    ground: Vector
    estimate_error_m: float = math.nan


@dataclass(frozen=True)
class FrameRecord:
    """What remains of a picture: numbers."""

    time: float
    shot_index: int
    camera: Vector
    yaw: float
    pitch: float
    roll: float
    focal_length_mm: float
    focus_distance_m: float
    f_number: float
    near_m: float
    far_m: float
    targets: tuple[TargetRecord, ...] = ()
    subjects: tuple[SubjectRecord, ...] = ()
    sharp: tuple[str, ...] = ()
    soft: tuple[str, ...] = ()
    against_truth: bool = False


@dataclass(frozen=True)
class CycleRecord:
    """What remains of a control step: numbers. Acceleration, jerk and the camera's angular
    acceleration are those of the plan that was flown, at the step's time."""

    time: float
    shot_index: int
    step_ms: float
    deadline_missed: bool
    position: Vector
    velocity: Vector
    acceleration: Vector
    jerk: Vector
    angular_acceleration: Vector
    origin: str = "solved"
    violations: Mapping[str, float] = field(default_factory=dict)
    losses: Mapping[str, Loss] = field(default_factory=dict)
    last_seen: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Goal:
    """A figure that a take shall reach: at most, or at least, a limit.

    ``metric`` is the figure's path, such as ``"scale_error_pct.p95"``.
    """

    metric: str
    at_most: float | None = None
    at_least: float | None = None

    def met(self, figures: Mapping[str, Any]) -> bool | None:
        """Whether these figures reach it; None where the figure is not there."""
        value = self.value(figures)
        if value is None:
            return None
        return (self.at_most is None or value <= self.at_most) and (
            self.at_least is None or value >= self.at_least
        )

    def value(self, figures: Mapping[str, Any]) -> float | None:
        """The figure itself; None where it is not there."""
        node: Any = figures
        for part in self.metric.split("."):
            node = node.get(part) if isinstance(node, Mapping) else None
        return node if isinstance(node, (int, float)) else None

    def __str__(self) -> str:
        parts = []
        if self.at_most is not None:
            parts.append("0" if self.at_most == 0 else f"≤ {self.at_most:g}")
        if self.at_least is not None:
            parts.append(f"≥ {self.at_least:g}")
        return ", ".join(parts)


# --- records ------------------------------------------------------------------------------------


def depth_and_image(
    point: Floats, pose: CameraPose, frame: Frame
) -> tuple[float, tuple[float, float] | None]:
    """Depth along the optical axis, m, and image (u, v) of a world point; None from behind."""
    x, y, z = point.tolist()
    px, py, pz = pose.position.tolist()
    seen = frames.world_to_camera((x, y, z), (px, py, pz), pose.yaw, pose.pitch, pose.roll)
    depth = float(seen[2])
    if depth <= 1e-6:
        return depth, None
    u, v = frames.project(seen, frame.lens.focal_length_mm, *frame.sensor_mm)
    return depth, (float(u), float(v))


def image_height(subject: SubjectEstimate, pose: CameraPose, frame: Frame) -> float:
    """Image height of the whole subject over the frame's height: h f / (depth sensor height).

    The depth is that of the body's middle along the optical axis; 0 from behind the camera.
    """
    depth, _ = depth_and_image(subject.point("centre"), pose, frame)
    if depth <= 1e-6:
        return 0.0
    return subject.height * frame.lens.focal_length_mm / (depth * frame.sensor_mm[1])


def blur_mm(depth: float, frame: Frame) -> float:
    """Blur-circle diameter, mm, of a point at a depth; ``inf`` from behind the camera."""
    if depth <= 1e-6:
        return math.inf
    state = frame.lens
    return float(
        lens.blur_circle(depth, state.focus_distance_m, state.focal_length_mm, state.f_number)
    )


def head_asked(target: FramingTarget) -> bool:
    """Whether the asked picture holds the top of the head: a close-up may cut it off."""
    if target.scale is None:
        return True
    return target.v - (BODY_POINTS["top"] - BODY_POINTS[target.point]) * target.scale >= 0.0


def measure_target(
    target: FramingTarget, subject: SubjectEstimate, pose: CameraPose, frame: Frame
) -> TargetRecord:
    """How well a framing target was met by a subject that is where it is said to be."""
    _, image = depth_and_image(subject.point(target.point), pose, frame)
    error, inside = BEHIND_PCT, False
    if image is not None:
        aspect = frame.sensor_mm[1] / frame.sensor_mm[0]
        error = 100 * math.hypot(image[0] - target.u, (image[1] - target.v) * aspect)
        inside = _in_picture(image)
        if inside and head_asked(target):
            inside = _in_picture(depth_and_image(subject.point("top"), pose, frame)[1])
    scale = image_height(subject, pose, frame)
    return TargetRecord(target.subject, target.point, error, inside, scale, target.scale)


def measure_frame(event: FrameEvent, coc_mm: float) -> FrameRecord:
    """The numbers of a picture.

    Against the ground truth where there is one, else against the estimates and the pose that the
    rig reported.
    """
    frame = event.frame
    known = bool(event.truth)
    pose = frame.pose if event.true_pose is None else event.true_pose
    subjects = {s.id: s for s in (event.truth if known else event.estimates)}
    believed = {s.id: s for s in event.estimates}
    near, far = frame.lens.depth_of_field(coc_mm)
    seen = []
    for name, subject in subjects.items():
        depth, _ = depth_and_image(subject.point(FOCUS_POINT), pose, frame)
        error = math.nan
        if known and name in believed:
            error = float(np.linalg.norm(believed[name].position - subject.position))
        ground = _vector(subject.position)
        seen.append(SubjectRecord(name, depth, blur_mm(depth, frame), ground, error))
    return FrameRecord(
        time=frame.time,
        shot_index=event.shot_index,
        camera=_vector(pose.position),
        yaw=pose.yaw,
        pitch=pose.pitch,
        roll=pose.roll,
        focal_length_mm=frame.lens.focal_length_mm,
        focus_distance_m=frame.lens.focus_distance_m,
        f_number=frame.lens.f_number,
        near_m=near,
        far_m=far,
        targets=tuple(
            measure_target(target, subjects[target.subject], pose, frame)
            for target in event.framing
            if target.subject in subjects
        ),
        subjects=tuple(seen),
        sharp=event.sharp,
        soft=event.soft,
        against_truth=known,
    )


def measure_cycle(event: CycleEvent) -> CycleRecord:
    """The numbers of a control step."""
    plan = event.plan
    flown = plan.sample(min(max(event.time, plan.start), plan.end))
    k = int(np.searchsorted(plan.times, flown.time, side="right")) - 1
    inputs = plan.inputs[min(max(k, 0), len(plan.inputs) - 1)]
    return CycleRecord(
        time=event.time,
        shot_index=event.shot_index,
        step_ms=event.step_ms,
        deadline_missed=event.deadline_missed,
        position=_vector(event.state.position),
        velocity=_vector(event.state.velocity),
        acceleration=_vector(flown.acceleration),
        jerk=_vector(flown.jerk),
        angular_acceleration=_vector(inputs[ANGULAR_ACCELERATION]),
        origin=plan.origin.value,
        violations=dict(event.violations),
        losses=dict(event.losses),
        last_seen={subject.id: last_seen(subject) for subject in event.estimates},
    )


# --- figures ------------------------------------------------------------------------------------


def summarise(
    shots: Sequence[Shot],
    frame_records: Sequence[FrameRecord],
    cycle_records: Sequence[CycleRecord],
    *,
    coc_mm: float,
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
    per_shot = []
    for shot in shots:
        mine = [record for record in frame_records if record.shot_index == shot.index]
        steps = [record for record in cycle_records if record.shot_index == shot.index]
        per_shot.append(
            {
                "index": shot.index,
                "name": shot.name,
                "move": shot.move,
                "start_s": shot.start,
                "end_s": shot.end,
                "settle_s": shot.settle,
                **figures(mine, steps, coc_mm, settled),
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
            if hovers and loss.phase is Phase.HOVER and entry["hovered_s"] is None:
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


def _in_picture(image: tuple[float, float] | None) -> bool:
    return image is not None and 0 <= image[0] <= 1 and 0 <= image[1] <= 1


def _vector(values: Any) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
