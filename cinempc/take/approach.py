"""The way to the mark: from wherever the vehicle hovers to the first shot's opening picture.

The camera looks at the subject all the way. The vehicle goes straight where that leads past the
subject at a good distance, and otherwise round it, leg by leg; never faster than `SPEED`: people
stand about, and nothing is being filmed yet.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cinempc.frames import wrap_angle
from cinempc.mpc.objectives import (
    Aperture,
    CameraPosition,
    FocalLength,
    FocusOn,
    Goals,
    Objective,
    Roll,
)
from cinempc.rig.camera import LensState
from cinempc.rig.state import CameraPose, RigState
from cinempc.rig.subject import SubjectEstimate

Floats = NDArray[np.float64]

#: Speed on the way, m/s.
SPEED = 2.0
#: How far round the subject the next leg leads, rad: following such legs all the time, the way
#: closes in on cos 30° = 0.87 of the mark's distance at most.
_LEG = math.radians(30)
#: On the mark is who is nearer to it than this, m and as a share of the distance to the subject,
_NEAR, _NEAR_SHARE = 0.2, 0.03
#: looks within this of its direction, rad, with the focal length within this share,
_AIM, _ZOOM = math.radians(3), 0.05
#: and moves no faster than this against the subject, m/s.
_CALM = 0.4


def way(mark: Floats, subject: SubjectEstimate, here: Floats) -> Floats:
    """Where the next leg leads, (3,) m: the mark, or a place on the way round the subject."""
    ours, theirs = here - subject.position, mark - subject.position
    turn = float(wrap_angle(math.atan2(theirs[1], theirs[0]) - math.atan2(ours[1], ours[0])))
    if abs(turn) <= _LEG:
        return mark
    angle = math.atan2(ours[1], ours[0]) + math.copysign(_LEG, turn)
    reach = math.hypot(theirs[0], theirs[1])
    around = subject.position[:2] + reach * np.array([math.cos(angle), math.sin(angle)])
    return np.array([around[0], around[1], mark[2]])


def goals(
    times: Floats,
    mark: CameraPose,
    lens: LensState,
    subject: SubjectEstimate,
    aim: Objective,
    state: RigState,
) -> Goals:
    """What the controller is asked on the way.

    Args:
        times: of the nodes, (N+1,) s, the first is now.
        mark: the opening's pose.
        lens: the opening's lens.
        subject: that it frames.
        aim: what the camera looks at, and where in the picture that shall stand.
        state: the rig's.
    """
    here = state.camera.position
    ahead = way(mark.position, subject, here) - here
    far = float(np.linalg.norm(ahead))
    gone = np.minimum(SPEED * (times - times[0]), far) / max(far, 1e-6)
    x, y, z = (here + gone[:, None] * ahead).T
    return Goals(
        (
            aim,
            Roll(angle=mark.roll),
            CameraPosition(x=x, y=y, z=z, weight=1.0),
            FocalLength(mm=lens.focal_length_mm, weight=1.0),
            FocusOn(subject=subject.id),
            Aperture(f_number=lens.f_number, weight=0.5),
        )
    )


def off_mark(
    mark: CameraPose, lens: LensState, subject: SubjectEstimate, state: RigState
) -> tuple[str, ...]:
    """What is not as the opening wants it yet, in words; nothing where the picture is there and
    stands."""
    camera = state.camera
    missing = []
    far = float(np.linalg.norm(mark.position - camera.position))
    reach = float(np.linalg.norm(mark.position - subject.position))
    if not far <= _NEAR + _NEAR_SHARE * reach:
        missing.append(f"the camera is {far:.1f} m from its mark")
    speed = float(np.linalg.norm(state.velocity - subject.velocity))
    if not speed <= _CALM:
        missing.append(f"it moves at {speed:.1f} m/s against {subject.id}")
    aim = max(abs(float(wrap_angle(mark.yaw - camera.yaw))), abs(mark.pitch - camera.pitch))
    # What it is off its mark it makes up for by turning.
    if not aim <= _AIM + math.atan(far / max(reach, 0.1)):
        missing.append(f"it looks {math.degrees(aim):.0f} deg past the opening picture")
    zoom = abs(math.log(state.lens.focal_length_mm / lens.focal_length_mm))
    if not zoom <= _ZOOM:
        missing.append(
            f"its focal length is {state.lens.focal_length_mm:.0f} mm in place of "
            f"{lens.focal_length_mm:.0f} mm"
        )
    return tuple(missing)
