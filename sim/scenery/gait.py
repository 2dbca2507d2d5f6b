"""How a body stands and walks: joint rotations from the distance walked.

The feet come first. Footprints lie along the path, one every step length, and stay where they
are while the foot bears weight; between them the foot swings. The pelvis rides as high as both
legs reach, legs follow by two-bone inverse kinematics, and trunk and arms counter the pelvis.
Timing and angles are those of level walking in D. A. Winter, *Biomechanics and Motor Control of
Human Gait*, 2nd ed. (1991): stance 62 % of the cycle, heel contact with the toes up, heel rise
from mid-stance; step length grows with the speed to the power 0.45.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from sim.scenery.bodies.labels import JOINTS, PARENTS
from sim.scenery.path import Path

Floats = NDArray[np.float64]

_INDEX = {name: k for k, name in enumerate(JOINTS)}
_PARENT = [None if parent is None else JOINTS.index(parent) for parent in PARENTS]

# One step is 1; a foot's stance runs from heel contact to toe-off around its footprint.
_CONTACT, _FLAT, _HEEL_OFF, _TOE_OFF = -0.46, -0.29, 0.12, 0.76
_TOES_UP, _PUSH_OFF = np.radians(18.0), np.radians(-48.0)


@dataclass(frozen=True)
class Pose:
    """Joints of a posed body: ``rotations`` (21, 3, 3) from the neutral pose to the world and
    ``positions`` (21, 3), world frame, m, for a body of the stature it was asked for."""

    rotations: Floats
    positions: Floats


def step_length(stature: float, speed: float) -> float:
    """Step length, m, of a walker of a stature, m, at a speed, m/s."""
    return float(0.38 * stature * (max(speed, 0.3) / 1.3) ** 0.45)


def pose(joints: Floats, stature: float, path: Path, time: float, seed: int = 0) -> Pose:
    """The body at a time.

    Args:
        joints: neutral joint positions (21, 3), m, already at the actor's size; x forward.
        stature: m.
        path: where the actor walks.
        time: s.
        seed: makes people standing together move differently.
    """
    distance, speed = path.walked(time)
    step = step_length(stature, path.speed)
    if path.length > 0:
        # Whole steps, so that a walk ends on a foot and a loop closes.
        count = max(2, 2 * round(path.length / step / 2)) if path.loop else max(
            1, round(path.length / step)
        )  # fmt: skip
        step = path.length / count
    phase = distance / step
    lively = float(np.clip(speed / 0.7, 0, 1)) ** 0.7
    vigour = lively * float(np.clip(speed / 1.3, 0.5, 1.4))
    rng = np.random.default_rng(seed)
    sway_phase, gaze_phase = rng.uniform(0, 2 * np.pi, 2)
    idle = 1 - lively

    ankles, feet, toes = [], [], []
    for side in (0, 1):
        ankle, foot, toe = _foot(joints, path, phase, step, side, lively)
        ankles.append(ankle)
        feet.append(foot)
        toes.append(toe)

    point, _ = path.at(distance)
    heading = float(np.mean([path.at(distance + d)[1] for d in (-0.25, 0.0, 0.25)]))
    cycle = np.pi * phase
    swing = np.cos(cycle + np.pi / 2)  # 1 where the left foot lands, -1 where the right one does
    facing = _turns((heading, 0, 0))[0]

    sway = 0.022 * lively * np.cos(cycle) + 0.014 * idle * np.sin(0.55 * time + sway_phase)
    breath = 0.012 * np.sin(1.5 * time + sway_phase)
    gaze = idle * 0.18 * np.sin(0.31 * time + gaze_phase) + 0.03 * np.sin(0.9 * time + gaze_phase)
    pelvis_turn, *trunk = facing @ _turns(
        (-0.13 * vigour * swing, -0.045 * vigour * np.cos(cycle), 0.03 * lively),
        (-0.02 * vigour * swing, 0, 0.035 * lively),
        (0.08 * vigour * swing, 0, 0.045 * lively + breath),
        (0.02 * vigour * swing + 0.4 * gaze, 0, 0.06 * lively),
        (gaze, 0, 0.02 + 0.015 * lively * np.cos(2 * cycle)),
    )
    hips = joints[[_INDEX["thigh_l"], _INDEX["thigh_r"]]] - joints[0]
    height = joints[0, 2] - lively * (0.022 - 0.016 * np.cos(2 * cycle)) * stature / 1.75
    pelvis = np.array([point[0], point[1], 0.0]) + facing @ np.array([0.0, sway, 0.0])
    pelvis[2] = _reach(joints, pelvis, pelvis_turn, hips, ankles, height, lively)

    world: list[Floats] = [np.eye(3)] * len(JOINTS)
    world[0] = pelvis_turn
    for name, turn in zip(("spine", "chest", "neck", "head"), trunk, strict=True):
        world[_INDEX[name]] = turn
    chest = world[_INDEX["chest"]]
    for side, letter in enumerate("lr"):
        sign = 1.0 if side == 0 else -1.0
        forward = -sign * swing
        flex = vigour * (0.36 * forward + 0.05) + idle * 0.02 * np.sin(0.7 * time + side)
        elbow = 0.10 * idle + vigour * (0.16 + 0.20 * (0.5 + 0.5 * forward))
        shoulder, swung, bent, hand = _turns(
            (0.05 * vigour * forward * -sign, 0, 0),
            (0, -0.02 * sign, -flex),
            (0.10 * sign, 0, -elbow),
            (0, 0, -0.08),
        )
        upper = chest @ swung
        fore = upper @ bent
        world[_INDEX[f"clavicle_{letter}"]] = chest @ shoulder
        world[_INDEX[f"upperarm_{letter}"]] = upper
        world[_INDEX[f"forearm_{letter}"]] = fore
        world[_INDEX[f"hand_{letter}"]] = fore @ hand
        hip = pelvis + pelvis_turn @ hips[side]
        thigh, shin = _leg(joints, letter, hip, ankles[side], feet[side])
        world[_INDEX[f"thigh_{letter}"]] = thigh
        world[_INDEX[f"shin_{letter}"]] = shin
        world[_INDEX[f"foot_{letter}"]] = feet[side]
        world[_INDEX[f"toes_{letter}"]] = toes[side]
    places = np.zeros((len(JOINTS), 3))
    places[0] = pelvis
    for k, parent in enumerate(_PARENT):
        if parent is not None:
            places[k] = places[parent] + world[parent] @ (joints[k] - joints[parent])
    return Pose(np.stack(world), places)


def footprint(path: Path, index: int, step: float, side: int, half_width: float) -> Floats:
    """Ground point (x, y, heading) of a footprint, counted in steps from the path's start."""
    distance = index * step if path.loop else min(max(index * step, 0.0), path.length)
    point, heading = path.at(distance)
    left = np.array([-np.sin(heading), np.cos(heading)])
    place = point + (half_width if side == 0 else -half_width) * left
    return np.array([place[0], place[1], heading])


def _foot(
    joints: Floats, path: Path, phase: float, step: float, side: int, lively: float
) -> tuple[Floats, Floats, Floats]:
    """Ankle (3,), rotation of the foot and of the toes, world frame. Even footprints are left."""
    letter = "lr"[side]
    ankle = joints[_INDEX[f"foot_{letter}"]]
    ball = joints[_INDEX[f"toes_{letter}"]] - ankle
    ball = np.array([ball[0], ball[1], -ankle[2]])
    heel = np.array([-0.035, 0.0, -ankle[2]])
    # The footprint whose stance or following swing this is.
    index = 2 * int(np.floor((phase - side - _CONTACT) / 2)) + side
    local = phase - index
    width = abs(ankle[1]) * (0.55 * lively + 1.05 * (1 - lively))
    here = footprint(path, index, step, side, width)
    there = footprint(path, index + 2, step, side, width)
    along = float(np.clip((local - _TOE_OFF) / (2 + _CONTACT - _TOE_OFF), 0, 1))
    ease = along**3 * (10 - 15 * along + 6 * along**2)  # minimum jerk (Flash and Hogan, 1985)
    place = here + ease * (there - here)
    pitch = lively * float(
        np.interp(
            local,
            [_CONTACT, _FLAT, _HEEL_OFF, 0.50, _TOE_OFF, 0.96, 1.26, 2 + _CONTACT],
            [_TOES_UP, 0.0, 0.0, np.radians(-24), _PUSH_OFF, np.radians(-38), 0.05, _TOES_UP],
        )
    )
    lift = lively * 0.035 * np.sin(np.pi * along) ** 2
    toe_out = 0.10 if side == 0 else -0.10
    bend = pitch if pitch > 0 else pitch * along
    flat, tilted, bent = _turns((place[2] + toe_out, 0, 0), (0, 0, -pitch), (0, 0, -bend))
    pivot = ball if pitch < 0 else heel
    lever = pivot - tilted @ pivot
    # place is where the ankle stands when the foot is flat; the ankle lies on the body's line.
    centre = np.array([place[0], place[1], ankle[2] + lift]) + flat @ lever
    return centre, flat @ tilted, flat @ bent


def _reach(
    joints: Floats,
    pelvis: Floats,
    turn: Floats,
    hips: Floats,
    ankles: list[Floats],
    height: float,
    lively: float,
) -> float:
    """The pelvis's height: ``height``, or as high as both legs reach, with a soft corner."""
    highest = [height]
    for side, letter in enumerate("lr"):
        hip, knee, ankle = (joints[_INDEX[f"{j}_{letter}"]] for j in ("thigh", "shin", "foot"))
        length = (0.9985 - 0.0065 * lively) * float(
            np.linalg.norm(knee - hip) + np.linalg.norm(ankle - knee)
        )
        offset = turn @ hips[side]
        flat = float(np.linalg.norm(ankles[side][:2] - pelvis[:2] - offset[:2]))
        highest.append(ankles[side][2] + float(np.sqrt(max(length**2 - flat**2, 0.01))) - offset[2])
    sharpness = 0.001 + 0.007 * lively
    low = min(highest)
    return low - sharpness * float(np.log(sum(np.exp(-(h - low) / sharpness) for h in highest)))


def _leg(
    joints: Floats, letter: str, hip: Floats, ankle: Floats, foot: Floats
) -> tuple[Floats, Floats]:
    """World rotations of thigh and shin that bring the ankle to its place, knee over the foot."""
    rest = [joints[_INDEX[f"{j}_{letter}"]] for j in ("thigh", "shin", "foot")]
    upper = float(np.linalg.norm(rest[1] - rest[0]))
    lower = float(np.linalg.norm(rest[2] - rest[1]))
    line = ankle - hip
    reach = min(float(np.linalg.norm(line)), 0.9995 * (upper + lower))
    line /= np.linalg.norm(line)
    cosine = (upper**2 + reach**2 - lower**2) / (2 * upper * reach)
    forward = foot[:, 0] - (foot[:, 0] @ line) * line
    forward /= np.linalg.norm(forward)
    knee = hip + upper * (cosine * line + np.sqrt(max(0.0, 1 - cosine**2)) * forward)
    thigh = _frame(knee - hip, forward) @ _frame(rest[1] - rest[0], np.array([1.0, 0, 0])).T
    shin = _frame(ankle - knee, forward) @ _frame(rest[2] - rest[1], np.array([1.0, 0, 0])).T
    return thigh, shin


def _frame(along: Floats, forward: Floats) -> Floats:
    z = along / np.linalg.norm(along)
    x = forward - (forward @ z) * z
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=1)


def _turns(*angles: tuple[float, float, float]) -> Floats:
    """Rotations (n, 3, 3): by the first angle, rad, about z, by the second about the new x, and by
    the third about the newest y."""
    return np.asarray(Rotation.from_euler("ZXY", angles).as_matrix(), float)
