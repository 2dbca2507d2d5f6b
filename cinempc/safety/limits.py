"""The limits that protect people and the vehicle, loaded from ``configs/safety/``."""

from __future__ import annotations

import math
from pathlib import Path

from pydantic import Field, model_validator

from cinempc import configs
from cinempc.safety.fence import Fence
from cinempc.units import Metres, Seconds


class Altitude(configs.Config):
    """The band of heights, above the take-off point, that a plan stays in."""

    min: Metres
    max: Metres


class Lost(configs.Config):
    """What a take does when a subject of the running shot is not seen any more."""

    widen_after: Seconds = Field(
        default=1.0,
        validate_default=False,
        description="Time since it was seen, after which the picture widens.",
    )
    hover_after: Seconds = Field(
        default=4.0,
        validate_default=False,
        description="Time since it was seen, after which the vehicle hovers until it is back.",
    )

    @model_validator(mode="after")
    def _sound(self) -> Lost:
        widen, hover = self.widen_after, self.hover_after
        if not (widen > 0 and math.isfinite(hover)):
            raise ValueError(
                f"widen_after must be above zero and hover_after finite, they are {widen:g} s and "
                f"{hover:g} s"
            )
        if not widen < hover:
            raise ValueError(
                f"widen_after must be below hover_after, they are {widen:g} s and {hover:g} s"
            )
        return self


class Safety(configs.Config):
    """Safety limits; see ``docs/safety.md``."""

    name: str
    subject_distance: Metres = Field(
        description="Least distance of the vehicle to any subject's body."
    )
    altitude: Altitude
    stale_after: Seconds = Field(
        description="How long the last good plan is followed before the vehicle brakes to a hover."
    )
    tracking_error: Metres = Field(
        description="Distance to the planned position at which the plan starts again from where "
        "the vehicle is."
    )
    lost: Lost = Lost()
    fence: Fence | None = Field(default=None, description="Where the vehicle may be; not limited.")

    @model_validator(mode="after")
    def _sound(self) -> Safety:
        if not self.altitude.min < self.altitude.max:
            raise ValueError("altitude.min must be below altitude.max")
        for name in ("subject_distance", "stale_after", "tracking_error"):
            value = getattr(self, name)
            if not (value > 0 and math.isfinite(value)):
                raise ValueError(f"{name} must be above zero and finite, it is {value:g}")
        fence = self.fence
        if fence is not None and fence.height is not None:
            room = fence.height - fence.margin
            if room < self.altitude.max:
                raise ValueError(
                    f"altitude.max, {self.altitude.max:g} m, must not be above fence.height less "
                    f"its margin, {room:g} m: plans that use it would be refused"
                )
        return self


def load(name: str, near: Path | None = None) -> Safety:
    """Safety limits by their short name in ``configs/safety/`` or by path.

    Raises:
        ConfigError: no such file, or a mistake in it.
    """
    return configs.load(configs.find("safety", name, near), Safety)
