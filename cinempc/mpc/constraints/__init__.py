"""What a plan may do: the path constraints that hold in every take.

One file for each subject; `constraint` says what a constraint is. Those of one shot (who stays in
frame) are in its `cinempc.mpc.objectives.Goals`.
"""

from __future__ import annotations

from collections.abc import Sequence

from cinempc.mpc.constraints.constraint import Constraint
from cinempc.mpc.constraints.envelope import HorizontalAcceleration, HorizontalSpeed, Tilt
from cinempc.mpc.constraints.people import SubjectDistance
from cinempc.mpc.constraints.picture import GimbalReach
from cinempc.rig.vehicle import Vehicle
from cinempc.safety.limits import Safety


def standard(vehicle: Vehicle, safety: Safety, subjects: Sequence[str]) -> tuple[Constraint, ...]:
    """The constraints of every plan, in the order of their rows.

    Args:
        vehicle: its limits, response and gimbal.
        safety: the least distance to people.
        subjects: the ids of those that the plan knows.
    """
    limits, gimbal, response = vehicle.limits, vehicle.gimbal, vehicle.response
    return (
        HorizontalSpeed(most=limits.speed),
        HorizontalAcceleration(most=limits.acceleration),
        Tilt(most=limits.tilt, response=response),
        *(SubjectDistance(subject=name, least=safety.subject_distance) for name in subjects),
        GimbalReach(axis="pitch", range=gimbal.pitch, response=response),
        GimbalReach(axis="roll", range=gimbal.roll, response=response),
    )
