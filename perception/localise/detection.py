"""From a detection to an observation: what box, keypoints and depth say of a place in the world.

Every row is one number: where a body point appears across or down the picture, as a slope of its
ray, or how deep it lies. Body points are fractions of the height (`cinempc.rig.subject`), so head
and feet together tell the range through the height, the feet tell it through the ground, and depth
tells it alone; the filter weighs them. The camera's pose and focal length are those at exposure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cinempc.frames import camera_rotation
from perception.detect.detections import KEYPOINTS, Detections
from perception.localise.observation import HEIGHT, SIZE, Rows
from perception.localise.orientation import facing
from perception.localise.view import View

Floats = NDArray[np.float64]

ACROSS, DOWN, DEPTH = 0, 1, 2

_PART = {name: k for k, name in enumerate(KEYPOINTS)}


@dataclass(frozen=True)
class ObservationNoise:
    """How far observations may be off: standard deviations.

    The pixels' part is white; gait, pose and clothes make the rest, which stays for a while: it
    is weighed as if it were white but larger.

    Attributes:
        pixels: of a box's edge or a keypoint, px at 960 px across.
        box: the same as a share of the box's height.
        body: where a body point is up and down, m.
        aside: the same across: shoulders and hips sway, both together.
        middle: where a box's middle is, m, where there are no keypoints: arms and strides.
        sway: of the whole body up and down, m: knees bend.
        depth: as a share of the depth.
        thickness: of the depth, m: clothes, arms, where on the body it was taken.
        position: of the reported camera position, m.
        angle: of the reported camera direction, rad.
    """

    pixels: float = 2.0
    box: float = 0.012
    body: float = 0.06
    aside: float = 0.13
    middle: float = 0.10
    sway: float = 0.12
    depth: float = 0.015
    thickness: float = 0.07
    position: float = 0.03
    angle: float = math.radians(0.06)


@dataclass(frozen=True)
class DetectionObservation:
    """What one detection says, as a `perception.localise.observation.Observation`.

    Attributes:
        time: of the exposure, s.
        origin: (3,) the camera's position, m.
        rotation: (3, 3) world from camera.
        kind: (m,) `ACROSS`, `DOWN` or `DEPTH`.
        fraction: (m,) of which body point.
        value: (m,) slope, or m.
        white: (m,) standard deviation that does not depend on range: slope, or share of depth.
        metres: (m,) standard deviation in the world, m.
        shared: standard deviation of all rows of a direction together: slope, and m up and down.
        facing: (72,) log likelihood of `DIRECTIONS`, or None.
    """

    time: float
    origin: Floats
    rotation: Floats
    kind: NDArray[np.int64]
    fraction: Floats
    value: Floats
    white: Floats
    metres: Floats
    shared: tuple[float, float, float]
    facing: Floats | None = field(default=None, compare=False)

    def rows(self, state: Floats) -> Rows | None:
        """Linear about a state; None where that lies behind the camera."""
        points = np.repeat(state[None, :3], len(self.kind), axis=0)
        points[:, 2] += self.fraction * state[HEIGHT]
        x, y, z = ((points - self.origin) @ self.rotation).T
        if z.min() < 0.2:
            return None
        axes = self.rotation.T  # rows: the camera's right, down and forward
        across, down = (self.kind == ACROSS), (self.kind == DOWN)
        slope = np.where(across, x, y) / z
        deep = ~(across | down)
        expected = np.where(deep, z, slope)
        lead = np.where(across[:, None], axes[0], axes[1])
        by_point = (lead - slope[:, None] * axes[2]) / z[:, None]
        by_point[deep] = axes[2]
        jacobian = np.zeros((len(self.kind), SIZE))
        jacobian[:, :3] = by_point
        jacobian[:, HEIGHT] = by_point[:, 2] * self.fraction
        metres = np.where(deep, self.metres, self.metres / z)
        variance = np.where(deep, self.white * z, self.white) ** 2 + metres**2
        covariance = np.diag(variance)
        angle, position, sway = self.shared
        common = angle**2 + (position / z.mean()) ** 2
        covariance += common * np.outer(across, across)
        covariance += (common + (sway / z.mean()) ** 2) * np.outer(down, down)
        # Two people side by side differ in nothing but what is across.
        return Rows(self.value - expected, jacobian, covariance, ~across)

    def ray(self) -> Floats:
        """Direction (3,) to the middle of what was seen, world frame, depth 1."""
        slope = [
            float(self.value[self.kind == kind].mean()) if (self.kind == kind).any() else 0.0
            for kind in (ACROSS, DOWN)
        ]
        return np.asarray(self.rotation @ np.array([*slope, 1.0]))

    def guess(self, height: float, ground: float | None) -> Floats:
        """Roughly where (3,), to begin the fit at: by depth, else by the height, else by the
        ground, else 10 m away."""
        down = self.kind == DOWN
        ray, middle = self.ray(), 0.5
        depth = 10.0
        if (self.kind == DEPTH).any():
            depth = float(self.value[self.kind == DEPTH].mean())
        elif down.sum() >= 2 and np.ptp(self.fraction[down]) > 0.15:
            taller, fraction = np.argmin(self.value[down]), self.fraction[down]
            lower = int(np.argmax(self.value[down]))
            rise = (fraction[taller] - fraction[lower]) * height
            span = float(np.ptp(self.value[down]))
            depth = max(rise, 0.2) / max(span, 1e-4)
        elif ground is not None and down.any() and ray[2] < -0.02:
            depth = (self.origin[2] - ground - 0.5 * height) / -ray[2]
        if down.any():
            middle = float(self.fraction[down].mean())
        place = self.origin + float(np.clip(depth, 0.5, 300.0)) * ray
        place[2] -= middle * height
        return np.asarray(place)


def observe_detections(
    time: float,
    view: View,
    detections: Detections,
    depth: NDArray[np.float32] | None = None,
    noise: ObservationNoise | None = None,
) -> list[DetectionObservation]:
    """What each detection says, in their order.

    Args:
        time: of the exposure, s.
        view: how the picture was taken.
        detections: found in it, px.
        depth: (h, w) m along the optical axis, of any size, not finite or 0 where not known.
        noise: how far it may all be off.
    """
    noise = noise or ObservationNoise()
    pose = view.pose
    rotation = camera_rotation(pose.yaw, pose.pitch, pose.roll)
    return [
        _observe(time, view, rotation, detections, k, depth, noise) for k in range(len(detections))
    ]


# Fractions of the height at which COCO's keypoints lie, and of a silhouette's top: between
# standing and walking, where bent knees take 2 to 3 % away. Measured on the simulator's bodies,
# whose proportions are those of MakeHuman's mean adults; Drillis and Contini's table agrees within
# 2 % of the height.
_LEVELS = (
    (("left_eye", "right_eye"), 0.92),
    (("left_shoulder", "right_shoulder"), 0.785),
    (("left_hip", "right_hip"), 0.52),
    (("left_knee", "right_knee"), 0.285),
    (("left_ankle", "right_ankle"), 0.065),
)
_TOP = 0.985
_TORSO = 0.65  # where depth is taken
_BEHIND = 0.15  # m, from the chest's or back's skin to the body's axis
_AS_DEEP = 0.5  # m, from which a torso's depths are of more than the torso
_SURE = 0.5  # confidence from which a keypoint counts
_EDGE = 3.0  # px, nearer to the picture's edge a box is cut


def _observe(
    time: float,
    view: View,
    rotation: Floats,
    detections: Detections,
    k: int,
    depth: NDArray[np.float32] | None,
    noise: ObservationNoise,
) -> DetectionObservation:
    width, height = view.size
    box = detections.boxes[k]
    points = None if detections.keypoints is None else detections.keypoints[k]
    # Kind, fraction, pixel across and down, white px, m.
    rows: list[tuple[int, float, float, float, float, float]] = []
    white_px = max(noise.pixels * width / 960, noise.box * float(box[3] - box[1]))
    middle = float(box[0] + box[2]) / 2
    sure = np.zeros(len(KEYPOINTS), bool) if points is None else points[:, 2] >= _SURE
    if points is not None:
        inside = (points[:, 0] > 0) & (points[:, 0] < width) & (points[:, 1] > 0)
        sure &= inside & (points[:, 1] < height)
    if box[1] > _EDGE and (points is None or not _arms_up(points, sure)):
        rows.append((DOWN, _TOP, middle, float(box[1]), white_px, noise.body))
    nearer = _nearer(detections.boxes, k, height)
    found = False
    if points is not None:
        for names, fraction in _LEVELS:
            pair = [_PART[name] for name in names]
            if not sure[pair].all():
                continue
            u, v = points[pair, :2].mean(axis=0)
            if fraction == _LEVELS[-1][1]:  # a stride: one foot is nearer than the other
                rows.append((DOWN, fraction, u, v, white_px, 1.5 * noise.body))
                continue
            rows.append((DOWN, fraction, u, v, white_px, noise.body))
            if "shoulder" in names[0] or "hip" in names[0]:
                rows.append((ACROSS, fraction, u, v, white_px, noise.aside))
                found = True
    whole = box[0] > _EDGE and box[2] < width - _EDGE
    if not found:
        rows.append((ACROSS, 0.5, middle, float(box[1] + box[3]) / 2, white_px,
                     noise.middle if whole else 3 * noise.middle))  # fmt: skip
    feet = points is not None and sure[[_PART["left_ankle"], _PART["right_ankle"]]].all()
    if not feet and box[3] < height - _EDGE and not len(nearer):
        # The nearer foot is what the box ends at: lower than the point between both.
        rows.append((DOWN, 0.0, middle, float(box[3]), white_px, 2 * noise.body))
    table = np.array(rows)
    slopes = view.slopes(table[:, 2:4])
    kind = table[:, 0].astype(np.int64)
    value = np.where(kind == ACROSS, slopes[:, 0], slopes[:, 1])
    part, white, metres = table[:, 1], table[:, 4] / view.focal_px, table[:, 5]
    deep = _depth(depth, view, box, points, sure, nearer)
    if deep is not None:
        kind = np.append(kind, DEPTH)
        part, value = np.append(part, _TORSO), np.append(value, deep + _BEHIND)
        white, metres = np.append(white, noise.depth), np.append(metres, noise.thickness)
    ray = rotation @ np.array([*view.slopes(np.array([[middle, box[[1, 3]].mean()]]))[0], 1.0])
    return DetectionObservation(
        time=time,
        origin=np.asarray(view.pose.position, dtype=float),
        rotation=rotation,
        kind=kind,
        fraction=part,
        value=value,
        white=white,
        metres=metres,
        shared=(noise.angle, noise.position, noise.sway),
        facing=None if points is None else facing(points, sure, ray, white_px),
    )


def _arms_up(points: Floats, sure: NDArray[np.bool_]) -> bool:
    """Whether a hand may be what the box ends at, above."""
    head = [_PART[name] for name in ("nose", "left_eye", "right_eye") if sure[_PART[name]]]
    hands = [_PART[name] for name in ("left_wrist", "right_wrist") if sure[_PART[name]]]
    if not head or not hands:
        return False
    return bool(points[hands, 1].min() < points[head, 1].min())


def _nearer(boxes: Floats, k: int, height: int) -> Floats:
    """The boxes (m, 4) of those who may stand before one: they end lower in the picture, or are
    higher where the picture's edge cuts both."""
    left, top, right, bottom = boxes.T
    over = (top < bottom[k]) & (bottom > top[k]) & (left < right[k]) & (right > left[k])
    cut = (bottom >= height - _EDGE) & (bottom[k] >= height - _EDGE)
    over &= np.where(cut, top < top[k], bottom > bottom[k] + 1)
    return np.asarray(boxes[over])


def _depth(
    depth: NDArray[np.float32] | None,
    view: View,
    box: Floats,
    points: Floats | None,
    sure: NDArray[np.bool_],
    nearer: Floats,
) -> float | None:
    """Median depth of the torso, m, where nobody stands before it and all of it is as deep."""
    if depth is None:
        return None
    rows, columns = depth.shape
    corners = [
        _PART[f"{side}_{part}"] for part in ("shoulder", "hip") for side in ("left", "right")
    ]
    if points is not None and sure[corners].all():
        shoulders = points[corners[:2], :2].mean(axis=0)
        hips = points[corners[2:], :2].mean(axis=0)
        half = 0.12 * float(np.hypot(*(hips - shoulders)))
        down = np.linspace(0.15, 0.85, 8)[:, None]
        line = shoulders + down * (hips - shoulders)
        u = line[:, :1] + np.linspace(-half, half, 5)
        v = np.repeat(line[:, 1:], 5, axis=1)
    else:
        left, top, right, bottom = box
        u, v = np.meshgrid(
            left + (right - left) * np.linspace(0.4, 0.6, 5),
            top + (bottom - top) * np.linspace(0.22, 0.45, 8),
        )
    scale = np.array([columns, rows]) / view.size
    column = np.clip(u * scale[0], 0, columns - 1).astype(int)
    row = np.clip(v * scale[1], 0, rows - 1).astype(int)
    values = depth[row, column].ravel()
    known = np.isfinite(values) & (values > 0.1)
    for left, top, right, bottom in nearer:
        across, down = u.ravel(), v.ravel()
        known &= (across < left) | (across > right) | (down < top) | (down > bottom)
    values = values[known]
    if len(values) < 12:
        return None
    low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
    # Partly the torso and partly what is before or behind it: which part is not known.
    return None if high - low > _AS_DEEP + 0.06 * middle else float(middle)
