"""How a camera is turned on its vehicle: the kinds of mount that a vehicle's file can name.

A mount is what its file says of it and whether that fits the gimbal's ranges; what turns it in
flight is its driver's.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from cinempc import configs
from cinempc.units import Radians

#: How far a range may be beyond what a mount can do, rad.
_SLACK = math.radians(1)


class Range(configs.Config):
    """An angle's lower and upper end, relative to the vehicle."""

    min: Radians
    max: Radians

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.max < self.min:
            raise ValueError(f"max ({self.max:g} rad) is below min ({self.min:g} rad)")
        return self


class AnyMount(configs.Config):
    """What every mount can be asked."""

    def mistake(self, yaw: Range, pitch: Range) -> str | None:
        """What of the gimbal's ranges it cannot do, in words; None where they fit."""
        return None


class MavlinkMount(AnyMount):
    """A gimbal that speaks MAVLink's gimbal protocol, version 2."""

    kind: Literal["mavlink"] = "mavlink"
    device: int | None = Field(
        default=None,
        ge=1,
        le=255,
        description="Component id of the gimbal device (1 to 6: one that the autopilot drives); "
        "what the gimbal manager says if not given.",
    )
    manager: int | None = Field(
        default=None,
        ge=1,
        le=255,
        description="Component id of the gimbal manager; if not given the autopilot, and the "
        "gimbal itself where the autopilot is none.",
    )
    frame: Literal["earth", "vehicle"] = Field(
        default="earth",
        description="What the yaw that is sent is relative to: north, or the vehicle's nose.",
    )
    rates: bool = Field(default=True, description="Whether angular rates are sent with the angles.")


class ServoMount(AnyMount):
    """A camera on a tilt servo; the vehicle turns for its yaw."""

    kind: Literal["servo"]
    command: Literal["set_actuator", "mount_control"] = Field(
        default="set_actuator",
        description="MAV_CMD_DO_SET_ACTUATOR, levelled here, or MAV_CMD_DO_MOUNT_CONTROL, "
        "levelled by the autopilot.",
    )
    actuator: int = Field(default=1, ge=1, le=42, description="For set_actuator: which one.")
    low: Radians = Field(description="Tilt against the airframe at the servo's value -1.")
    high: Radians = Field(description="Tilt against the airframe at the servo's value +1.")

    @model_validator(mode="after")
    def _travels(self) -> ServoMount:
        if abs(self.high - self.low) < math.radians(1):
            raise ValueError("low and high are the same: the servo would not move")
        return self

    def mistake(self, yaw: Range, pitch: Range) -> str | None:
        """A range of pitch beyond the servo's travel."""
        if (turns := _turning(self.kind, yaw)) is not None:
            return turns
        low, high = min(self.low, self.high) - _SLACK, max(self.low, self.high) + _SLACK
        if pitch.min < low or pitch.max > high:
            return "the pitch range is wider than the servo's travel, mount.low to high"
        return None


class FixedMount(AnyMount):
    """A camera screwed to the airframe; the vehicle turns for its yaw."""

    kind: Literal["fixed"]
    pitch: Radians = Field(description="Of the camera against the airframe, positive up.")

    def mistake(self, yaw: Range, pitch: Range) -> str | None:
        """A range of pitch without the camera's angle."""
        if (turns := _turning(self.kind, yaw)) is not None:
            return turns
        if not pitch.min - _SLACK <= self.pitch <= pitch.max + _SLACK:
            return "mount.pitch is outside the pitch range: give both the same angle"
        return None


def _turning(kind: str, yaw: Range) -> str | None:
    if yaw.max - yaw.min > math.radians(1):
        return f"a {kind} mount does not turn: write yaw: {{min: 0 deg, max: 0 deg}}"
    return None


#: Every kind of mount that a vehicle's file can name; each has its driver in
#: `cinempc.flight.gimbal.driver`.
Mount = Annotated[MavlinkMount | ServoMount | FixedMount, Field(discriminator="kind")]
