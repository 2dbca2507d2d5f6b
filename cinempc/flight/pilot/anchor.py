"""The one place where the autopilot's local frame and the script's world meet.

Everything above (the take, the controller, the map of the subjects) and the stream's trajectory
live in the world, which never leaps: when the local frame does, the anchor takes the leap up in
the pilot's own process, before the next setpoint is sent. A heading that leaps is believed little
by little. Heights in the world count from the
ground that the vehicle took off from, wherever the estimator's origin is by then.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cinempc.flight.pilot.autopilot import Autopilot
from cinempc.flight.pilot.reasons import PilotEvent
from cinempc.mavlink import geodesy
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.local_frame import LONGEST, LocalFrame, leap, turn
from cinempc.mavlink.telemetry import Attitude, EarthPosition, LocalPosition
from cinempc.rig.log import EventLogger

Floats = NDArray[np.float64]

#: More leaps than this in so many seconds are no leaps, but an estimator that has lost its way.
_LEAPS, _LEAPS_IN = 5, 2.0
#: Time after a gap between two positions, s, in which a reset that is told may be one of the gap.
_TELLS = 1.0
#: Age of a position on the earth, s, from which it is not looked at any more.
_OLD = 1.0
#: How fast a heading that has leapt is believed, rad/s: the nose turns so fast to where it should
#: be, and the map around a camera that is told its yaw from the nose.
_EASES = math.radians(2.0)
#: How far the world must have moved over the earth, m, before that is no noise.
_MOVED = 0.3


class Anchor:
    """Holds the local frame in the world.

    Args:
        autopilot: that reports.
        origin: of the local frame in the world when the flight begins, ENU m; its height is that of
            the ground that the vehicle takes off from.
        log: where leaps are reported.
        on_lost: called when the frame has leapt and it cannot be known how far.

    Attributes:
        frame: where the local frame lies now.
    """

    def __init__(
        self,
        autopilot: Autopilot,
        origin: Floats,
        log: EventLogger,
        on_lost: Callable[[], None],
    ) -> None:
        self._autopilot, self._log, self._on_lost = autopilot, log, on_lost
        self._ground = float(origin[2])
        self.frame = LocalFrame(np.array(origin, dtype=float))
        self._leaps: deque[float] = deque(maxlen=_LEAPS + 1)
        self._gap = -math.inf  # when one between two positions has ended, vehicle s
        self._tie: tuple[Floats, EarthPosition] | None = None  # as of `stand_on_ground`
        autopilot.on_position.append(self._position)
        autopilot.on_attitude.append(self._attitude)
        autopilot.on_reset.append(self._reset)

    # --- what it is for ---

    @property
    def angles(self) -> tuple[float, float, float]:
        """The vehicle's yaw, pitch and roll in the world, rad; NaN while unknown."""
        yaw, pitch, roll = self._autopilot.angles
        return self.frame.heading(yaw), pitch, roll

    @property
    def home(self) -> Floats | None:
        """Where the vehicle returns to, ENU m in the world; None while unknown.

        From where it and the vehicle are on the earth, which a leap of the origin does not touch;
        the local position of home is not set anew by it.
        """
        home, here = self._autopilot.home_on_earth, self._here_on_earth()
        if home is None or here is None:
            local = self._autopilot.home
            return None if local is None else self.frame.position(local)
        place, at = here
        return np.asarray(place + _between(at, home))

    @property
    def drift(self) -> Floats:
        """How far the world has moved over the earth since the take-off, ENU m: when the estimator
        corrects itself, the world goes with it; zeros where that is not known."""
        here = self._here_on_earth()
        if here is None or self._tie is None:
            return np.zeros(3)
        place, at = here
        world, then = self._tie
        found = np.asarray(place - world - _between(then, at))
        return found if float(np.linalg.norm(found)) > _MOVED else np.zeros(3)

    @property
    def height_on_earth(self) -> float | None:
        """The vehicle's height in the world, m, by its altitude on the earth and that of the ground
        it took off from; None while unknown."""
        here = self._here_on_earth()
        if here is None or self._tie is None:
            return None
        world, then = self._tie
        return float(world[2]) + here[1].altitude - then.altitude

    @property
    def knows_ground(self) -> bool:
        """Whether the autopilot has told what it takes to know where the ground is."""
        autopilot = self._autopilot
        if autopilot.landed == mavlink.MAV_LANDED_STATE_UNDEFINED:
            return False
        return not autopilot.airborne or None not in (autopilot.home_on_earth, autopilot.on_earth)

    def stand_on_ground(self) -> None:
        """Have heights count from the ground: from where the vehicle stands, or, in the air, from
        where it took off. To be called before the vehicle is armed, and when it is met in the air.
        """
        autopilot = self._autopilot
        if autopilot.position is None:
            return
        ground = float(autopilot.position.position[2])
        if autopilot.airborne:
            below = self._ground_below()
            if below is None:
                self._log.log(PilotEvent.NO_GROUND)
            ground = below or 0.0
        self.frame = self.frame.with_height(ground, self._ground)
        self._tie = self._here_on_earth()

    def _ground_below(self) -> float | None:
        """Height of the take-off point in the local frame, m."""
        home, here = self._autopilot.home_on_earth, self._here_on_earth()
        if home is not None and here is not None:
            return float(here[0][2] - self.frame.origin[2]) + home.altitude - here[1].altitude
        return None if self._autopilot.home is None else float(self._autopilot.home[2])

    def _here_on_earth(self) -> tuple[Floats, EarthPosition] | None:
        """Where the vehicle is in the world, and on the earth, at one time."""
        at, place = self._autopilot.on_earth, self._autopilot.position
        if at is None or place is None or abs(place.time - at.time) > _OLD:
            return None
        local = place.position + (at.time - place.time) * place.velocity
        return self.frame.position(local), at

    # --- leaps ---

    def _position(self, before: LocalPosition | None, now: LocalPosition) -> None:
        if before is None:
            return
        offset = leap(before, now)
        gap = now.time - before.time > LONGEST
        if offset is None:
            flown = 0.5 * (now.time - before.time) * (before.velocity + now.velocity)
            self.frame = self.frame.after_leap(now.position - before.position - flown)
            self._on_lost()
        elif offset.any():
            self.frame = self.frame.after_leap(offset)
            east, north, up = (float(x) for x in offset)
            self._log.log(PilotEvent.FRAME_LEAPT, east=east, north=north, up=up)
            self._count(now.time)
        if gap:
            self._gap = now.time

    def _attitude(self, before: Attitude | None, now: Attitude) -> None:
        if before is None:
            return
        apart = min(max(now.time - before.time, 0.0), LONGEST)
        self.frame = self.frame.eased(_EASES * apart)
        turned = turn(before, now)
        if turned is None:
            self._gap = now.time  # a nose can turn far meanwhile: whether it leapt, `_reset` knows
        elif turned:
            self.frame = self.frame.after_turn(turned)
            self._log.log(PilotEvent.HEADING_LEAPT, turn=math.degrees(turned))
            self._count(now.time)

    def _reset(self) -> None:
        """The estimator says that it has begun anew: what was not seen, because no position came
        then, is not known."""
        place = self._autopilot.position
        if place is not None and place.time - self._gap < _TELLS:
            self._on_lost()

    def _count(self, time: float) -> None:
        self._leaps.append(time)
        if len(self._leaps) > _LEAPS and time - self._leaps[0] < _LEAPS_IN:
            self._on_lost()


def _between(here: EarthPosition, there: EarthPosition) -> Floats:
    """From one place on the earth to another, ENU m."""
    east, north = geodesy.offset(here.latitude, here.longitude, there.latitude, there.longitude)
    return np.array([east, north, there.altitude - here.altitude])
