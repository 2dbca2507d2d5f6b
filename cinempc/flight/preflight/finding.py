"""What the check before the flight asks, and what it finds."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import unique

from cinempc.flight.preflight.fencing import Home
from cinempc.rig.log import EventLogger, Kind
from cinempc.safety.fence import Fence

#: Time in which an autopilot must be heard, s.
HEARD = 10.0

LOG = EventLogger("cinempc.flight.preflight")


@unique
class PreflightEvent(Kind):
    """What is reported."""

    WAITING = logging.INFO, "waiting for the vehicle: {wrong}"
    LINK_FAULT = logging.WARNING, "{error}"


@dataclass(frozen=True)
class Question:
    """What is asked; places in ENU m, the time in s."""

    url: str
    address: str
    system: int | None
    component: int
    key: bytes | None
    fence: Fence | None
    origin: tuple[float, float, float]
    wait: float


@dataclass(frozen=True)
class Preflight:
    """What was found. Every sentence says what is wrong and what to do.

    ``problems`` forbid the flight, ``warnings`` do not. What was not told is None.
    """

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    version: str | None = None  #: PX4's.
    battery: float | None = None  #: Remaining share.
    voltage: float | None = None  #: V
    satellites: int | None = None
    fix: str | None = None  #: Of the satellite receiver, such as "3D".
    home: Home | None = None
    fenced: bool = False  #: Whether the autopilot has the fence, read back and compared.

    @property
    def ready(self) -> bool:
        """Whether nothing forbids the flight."""
        return not self.problems
