"""Where the estimator's local frame lies in the script's world, and how far it leaps.

The autopilot counts positions from an origin of its own choice, and may choose another one in
flight: a ground station sets it (SET_GPS_GLOBAL_ORIGIN), or the estimator corrects itself after a
fault of the GPS or the compass. Then all its positions leap at once, and the vehicle has not
moved. `leap` and `turn` find that in two reports that follow each other, whatever the reason was;
`LocalFrame` takes it up, so that the world stays where it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cinempc.frames import wrap_angle
from cinempc.mavlink.telemetry import Attitude, LocalPosition
from cinempc.rig.vehicle import Setpoint

Floats = NDArray[np.float64]

#: Farthest that a position is from where the last one and the speeds lead, m, without a leap: the
#: noise of both, and what a change of the acceleration of 8 m/s² can do between two reports (a
#: quarter of it for each square second, when it comes in the middle).
_NOISE, _CHANGE = 0.3, 2.0
#: The same for the heading: rad, and rad/s (body rates for those of the heading, in a bank).
_TURN_NOISE, _TURN_CHANGE = 0.07, 0.5
#: Longest time between two reports, s, from which a leap is known: a decimetre of the above.
LONGEST = 0.25


@dataclass(frozen=True)
class LocalFrame:
    """Where the local frame lies in the world. Its axes are the world's.

    Example:
        >>> frame = LocalFrame(np.array([10.0, 0.0, 0.0]))
        >>> frame.position(np.array([1.0, 2.0, 3.0]))
        array([11.,  2.,  3.])
        >>> frame.after_leap(np.array([0.0, 0.0, 3.0])).position(np.array([1.0, 2.0, 6.0]))
        array([11.,  2.,  3.])

    Attributes:
        origin: of the local frame in the world, ENU m.
        turn: what is added to a heading that the autopilot tells to give the world's, rad.
    """

    origin: Floats = field(default_factory=lambda: np.zeros(3))
    turn: float = 0.0

    def position(self, local: Floats) -> Floats:
        """A place (3,) in the world, ENU m, from the local one."""
        return np.asarray(self.origin + local)

    def heading(self, local: float) -> float:
        """A heading in the world, rad, from the one that is told."""
        return float(wrap_angle(local + self.turn)) if self.turn else local

    def local_setpoint(self, world: Setpoint) -> Setpoint:
        """A setpoint as the autopilot takes it, from one in the world."""
        place = np.asarray(world.position - self.origin)
        return replace(world, position=place, yaw=world.yaw - self.turn)

    def after_leap(self, offset: Floats) -> LocalFrame:
        """The frame when all local positions have moved by ``offset`` (3,), ENU m."""
        return replace(self, origin=np.asarray(self.origin - offset))

    def after_turn(self, turn: float) -> LocalFrame:
        """The frame when all headings that are told have turned by ``turn``, rad."""
        return replace(self, turn=float(wrap_angle(self.turn - turn)))

    def eased(self, turn: float) -> LocalFrame:
        """The frame when headings are believed again by up to ``turn`` more, rad."""
        left = math.copysign(max(abs(self.turn) - turn, 0.0), self.turn)
        return replace(self, turn=left)

    def with_height(self, local: float, world: float) -> LocalFrame:
        """The frame when a local height, m, is a height in the world."""
        return replace(self, origin=np.array([*self.origin[:2], world - local]))


def leap(before: LocalPosition, after: LocalPosition) -> Floats | None:
    """How far the local frame has leapt between two reports that follow each other.

    Returns:
        (3,), ENU m, by which local positions have moved beside what was flown; zeros where they
        have not. None where they have, and the reports are too far apart to know by how much.
    """
    apart = after.time - before.time
    flown = 0.5 * apart * (before.velocity + after.velocity)
    found = after.position - before.position - flown
    if float(np.linalg.norm(found)) <= _NOISE + _CHANGE * apart * apart:
        return np.zeros(3)
    return np.asarray(found) if apart <= LONGEST else None


def turn(before: Attitude, after: Attitude) -> float | None:
    """The same for headings.

    Returns:
        rad, by which headings have turned beside what the vehicle has; 0 where they have not. None
        where that cannot be known.
    """
    apart = after.time - before.time
    turned = 0.5 * apart * (before.rates[0] + after.rates[0])
    found = float(wrap_angle(after.angles[0] - before.angles[0] - turned))
    if abs(found) <= _TURN_NOISE + _TURN_CHANGE * apart:
        return 0.0
    return found if apart <= LONGEST else None
