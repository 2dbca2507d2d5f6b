"""Whether the ground is near: the last look before a course leads into it, by what does not depend
on where the estimator's local frame is."""

from __future__ import annotations

from cinempc.flight.pilot.anchor import Anchor
from cinempc.flight.pilot.autopilot import Autopilot
from cinempc.flight.pilot.reasons import FlightReason
from cinempc.mavlink.dialect import mavlink
from cinempc.rig.log import Problem, problem
from cinempc.safety.limits import Safety

#: Least height, in terms of the lowest of the band, and m where that is not above the ground.
_SHARE, _LEAST = 0.5, 0.3
#: How far ahead is looked, s: the autopilot brakes a descent in about that; and how fast a descent
#: must be, m/s, to be one.
_AHEAD, _SINKS = 0.7, 0.15
#: Age of what a sensor says, s, from which it is not looked at.
_OLD = 0.5


class GroundWatch:
    """Looks at the height above the ground, as a sensor that looks down measures it, or as the
    altitude gives it.

    Args:
        autopilot: that reports.
        anchor: knows the altitude of the ground.
        safety: the band of heights.
    """

    def __init__(self, autopilot: Autopilot, anchor: Anchor, safety: Safety) -> None:
        self._autopilot, self._anchor = autopilot, anchor
        lowest = safety.altitude.min
        self._by_sensor = max(_SHARE * lowest, _LEAST)
        self._by_altitude = _SHARE * lowest if lowest > 0 else lowest - _LEAST
        self._flew = False

    def begin(self) -> None:
        """A flight begins."""
        self._flew = False

    def look(self) -> Problem | None:
        """Why the vehicle must not go on; None where it may."""
        autopilot = self._autopilot
        if autopilot.landed == mavlink.MAV_LANDED_STATE_ON_GROUND:
            return problem(FlightReason.ON_GROUND) if self._flew else None
        self._flew = self._flew or autopilot.landed == mavlink.MAV_LANDED_STATE_IN_AIR
        place = autopilot.position
        if place is None or (sinks := float(place.velocity[2])) > -_SINKS:
            return None
        height, least, source = self._height()
        if height is None or height + _AHEAD * sinks > least:
            return None
        return problem(FlightReason.TOO_LOW, height=height, source=source)

    def _height(self) -> tuple[float | None, float, str]:
        """Above the ground, m; what is the least; and by what it is known."""
        measured = self._autopilot.clearance
        if measured is not None:
            age = self._autopilot.link.wall.now() - measured[1]
            if age < self._autopilot.clock.patience(_OLD):
                return measured[0], self._by_sensor, "its distance sensor"
        return self._anchor.height_on_earth, self._by_altitude, "its altitude"
