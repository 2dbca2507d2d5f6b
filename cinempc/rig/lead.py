"""How much ahead of time each setpoint is sent, so that it is flown, looked at and focused when the
plan says."""

from __future__ import annotations

from dataclasses import dataclass

from cinempc.rig.camera import Camera
from cinempc.rig.vehicle import Vehicle


@dataclass(frozen=True)
class LeadTimes:
    """Of the setpoints to the autopilot, the gimbal and the lens, s."""

    autopilot: float
    gimbal: float
    lens: float


def lead_times(vehicle: Vehicle, camera: Camera, lens_period: float) -> LeadTimes:
    """What each lags.

    Args:
        vehicle: its response and its gimbal.
        camera: its lens.
        lens_period: time between two setpoints to the lens, s: it holds each until the next, which
            is half of that more.
    """
    return LeadTimes(
        autopilot=vehicle.response.latency,
        gimbal=vehicle.gimbal.lag,
        lens=camera.lens_lag + lens_period / 2,
    )
