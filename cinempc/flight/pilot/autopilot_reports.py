"""What a PX4 autopilot reports: where the vehicle is, and what state it is in."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from cinempc.flight.pilot.battery import FAILS, BatteryWatch
from cinempc.flight.pilot.reasons import AutopilotEvent, FailsafeCause, FlightReason
from cinempc.mavlink import telemetry
from cinempc.mavlink.commands import Target
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.link import Link
from cinempc.mavlink.px4 import Mode
from cinempc.mavlink.telemetry import Attitude, EarthPosition, Floats, LocalPosition, Status
from cinempc.mavlink.transport import LinkError
from cinempc.mavlink.vehicle_clock import VehicleClock
from cinempc.rig.log import EventLogger, Problem, problem

#: Time, s, in which the numbers of its messages tell which of two was sent first: they begin anew
#: after 256.
_IN_ORDER = 0.15
#: Time, s, after it said "failsafe" in which a change of the mode is the autopilot's own.
_FAILSAFE = 3.0


class AutopilotReports:
    """Listens to a vehicle's autopilot on a link.

    Args:
        link: open or about to be.
        clock: told of the vehicle's time.
        system: the vehicle's system id; None takes the first autopilot heard.
        component: the autopilot's.

    Attributes:
        position, attitude, status: the newest of each, None before the first.
        home: where it returns to, ENU m from where its local origin was when it armed.
        home_on_earth, on_earth: that, and where the vehicle is, on the earth.
        clearance: of what is below, m, by a sensor that looks down, and when that came, wall s.
        origin: of its local frame on the earth, None before it was told.
        resets: how often its estimator has begun anew somehow, modulo 256; None before it was told.
        landed: MAV_LANDED_STATE.
        positioned: whether its estimator has a position.
        utc: seconds since 1970 at vehicle time 0, None while it does not know.
        texts: what it said last.
        battery: how full its batteries are.
    """

    def __init__(
        self,
        link: Link,
        clock: VehicleClock,
        *,
        system: int | None = None,
        component: int = mavlink.MAV_COMP_ID_AUTOPILOT1,
    ) -> None:
        self.link, self.clock = link, clock
        self._system, self._component = system, component
        self._log = EventLogger("cinempc.flight.autopilot", link.wall.utc)
        self.position: LocalPosition | None = None
        self.attitude: Attitude | None = None
        self.status: Status | None = None
        self.home: Floats | None = None
        self.home_on_earth: EarthPosition | None = None
        self.on_earth: EarthPosition | None = None
        self.clearance: tuple[float, float] | None = None
        self.origin: EarthPosition | None = None
        self.resets: int | None = None
        self.landed = int(mavlink.MAV_LANDED_STATE_UNDEFINED)
        self.positioned = False
        self.utc: float | None = None
        self.texts: list[str] = []
        self.battery = BatteryWatch(self._log)
        self._warned = ("", -math.inf)  # its newest warning but that of a failsafe, and when
        self.version: tuple[int, int, int] | None = None
        self.on_status: list[Callable[[Status | None, Status], None]] = []
        self.on_position: list[Callable[[LocalPosition | None, LocalPosition], None]] = []
        self.on_attitude: list[Callable[[Attitude | None, Attitude], None]] = []
        self.on_reset: list[Callable[[], None]] = []
        self.failed_safe = -math.inf  #: When it last said that a failsafe acts, monotonic s.
        self._placed = -math.inf
        self._number, self._numbered = 0, -math.inf  # of its newest message, and when that came
        self._others: set[int] = set()
        self._foreign = False
        link.on("HEARTBEAT", self._heartbeat)
        link.overhear("HEARTBEAT", self._station)
        link.on("LOCAL_POSITION_NED", self._local_position)
        link.on("ATTITUDE", self._attitude)
        link.on("ESTIMATOR_STATUS", self._estimator)
        link.on("HOME_POSITION", self._home)
        link.on("GLOBAL_POSITION_INT", self._global_position)
        link.on("DISTANCE_SENSOR", self._distance)
        link.on("GPS_GLOBAL_ORIGIN", self._origin)
        link.on("ODOMETRY", self._odometry)
        link.on("EXTENDED_SYS_STATE", self._landed)
        link.on("SYSTEM_TIME", self._system_time)
        link.on("BATTERY_STATUS", self._battery)
        link.on("STATUSTEXT", self._text)

    # --- what it reports ---

    @property
    def target(self) -> Target:
        """Its address.

        Raises:
            LinkError: it was not heard yet.
        """
        if self._system is None:
            raise LinkError(f"no autopilot was heard on {self.link.address} yet")
        return Target(self._system, self._component)

    @property
    def mode(self) -> Mode:
        """Its flight mode, as of the newest heartbeat."""
        return Mode.UNKNOWN if self.status is None else self.status.mode

    @property
    def overruled(self) -> Problem:
        """Who has chosen the mode when it was not us. PX4 says "failsafe" on links with a ground
        station only; its heartbeats say it on all."""
        failed = (
            self.status is not None and self.status.system_status == mavlink.MAV_STATE_CRITICAL
        ) or self.link.wall.now() - self.failed_safe < self.clock.patience(_FAILSAFE)
        if not failed:
            return problem(FlightReason.TAKEN_OVER, mode=self.mode)
        return problem(FlightReason.FAILSAFE, mode=self.mode, cause=self._cause())

    def _cause(self) -> Problem:
        """Why a failsafe acts. PX4 gives its reasons to ground stations; what it is, mostly shows
        in what else is known."""
        words, said = self._warned
        if not self.positioned:
            return problem(FailsafeCause.POSITION)
        if self.link.wall.now() - said < self.clock.patience(_FAILSAFE):
            return problem(FailsafeCause.SAID, words=words)
        if self.battery.share is not None and self.battery.share <= FAILS:
            return problem(FailsafeCause.BATTERY, share=self.battery.share)
        return problem(FailsafeCause.UNKNOWN)

    @property
    def armed(self) -> bool:
        """Whether its motors may turn, as of the newest heartbeat."""
        return self.status is not None and self.status.armed

    @property
    def airborne(self) -> bool:
        """Whether it is off the ground."""
        return self.landed in (
            mavlink.MAV_LANDED_STATE_IN_AIR,
            mavlink.MAV_LANDED_STATE_TAKEOFF,
            mavlink.MAV_LANDED_STATE_LANDING,
        )

    @property
    def angles(self) -> tuple[float, float, float]:
        """The vehicle's yaw, pitch and roll, rad; NaN while unknown."""
        known = self.attitude
        return (math.nan, math.nan, math.nan) if known is None else known.angles

    @property
    def silence(self) -> float:
        """Time since its position came last, s (of a simulator in slow motion, its own); infinite
        before the first."""
        return (self.link.wall.now() - self._placed) / self.clock.patience(1.0)

    def _ours(self, message: Any) -> bool:
        sender = (message.get_srcSystem(), message.get_srcComponent())
        return sender == (self._system, self._component)

    def _in_order(self, message: Any) -> bool:
        """Whether a message of the autopilot was not overtaken on the way: an old mode that comes
        after the new one is not a change of the mode."""
        now, number = self.link.wall.now(), int(message.get_seq())
        ahead = (number - self._number) % 256
        if ahead >= 128 and now - self._numbered < _IN_ORDER:
            return False
        self._number, self._numbered = number, now
        return True

    def _heartbeat(self, message: Any) -> None:
        if message.autopilot == mavlink.MAV_AUTOPILOT_INVALID:
            self._station(message)
            return
        if message.get_srcComponent() != self._component:
            return
        if self._system is not None and message.get_srcSystem() != self._system:
            return
        if message.autopilot != mavlink.MAV_AUTOPILOT_PX4:
            if not self._foreign:
                self._foreign = True
                self._log.log(
                    AutopilotEvent.NO_PX4,
                    system=message.get_srcSystem(),
                    autopilot=message.autopilot,
                )
            return
        self._system = message.get_srcSystem()
        if not self._in_order(message):
            return
        before, self.status = self.status, telemetry.status(message)
        if before != self.status:
            for listener in tuple(self.on_status):
                listener(before, self.status)

    def _station(self, message: Any) -> None:
        """A ground station says that it is there; whatever it says else is for the autopilot."""
        system = message.get_srcSystem()
        if message.type == mavlink.MAV_TYPE_GCS and system not in self._others:
            self._others.add(system)
            self._log.log(AutopilotEvent.GROUND_STATION, system=system)

    def _local_position(self, message: Any) -> None:
        if not self._ours(message):
            return
        self._in_order(message)
        found = telemetry.local_position(message)
        if found is None:
            return
        restarts = self.clock.restarts
        self.clock.tell(found.time)
        if self.clock.restarts > restarts:
            # A reboot: what was known is another flight's.
            self.position = self.home = self.home_on_earth = self.on_earth = None
            self.attitude = self.origin = self.resets = None
            self._log.log(AutopilotEvent.RESTARTED)
        if self.position is not None and found.time < self.position.time:
            return  # overtaken on the way
        before, self.position = self.position, found
        self._placed = self.link.wall.now()
        for listener in tuple(self.on_position):
            listener(before, found)

    def _attitude(self, message: Any) -> None:
        if not self._ours(message):
            return
        self._in_order(message)
        found = telemetry.attitude(message)
        if found is not None and not (
            self.attitude is not None and 0 < self.attitude.time - found.time < 1
        ):
            before, self.attitude = self.attitude, found
            for listener in tuple(self.on_attitude):
                listener(before, found)

    def _estimator(self, message: Any) -> None:
        if not self._ours(message) or not self._in_order(message):
            return
        positioned = telemetry.has_position(message)
        if self.positioned and not positioned:
            self._log.log(AutopilotEvent.POSITION_LOST)
        elif positioned and not self.positioned:
            self._log.log(AutopilotEvent.POSITIONED)
        self.positioned = positioned

    def _home(self, message: Any) -> None:
        if self._ours(message):
            found = telemetry.home(message)
            self.home = self.home if found is None else found
            self.home_on_earth = telemetry.home_on_earth(message) or self.home_on_earth

    def _global_position(self, message: Any) -> None:
        if self._ours(message):
            self.on_earth = telemetry.earth_position(message) or self.on_earth

    def _distance(self, message: Any) -> None:
        if self._ours(message) and (found := telemetry.clearance(message)) is not None:
            self.clearance = found, self.link.wall.now()

    def _origin(self, message: Any) -> None:
        if not self._ours(message) or (found := telemetry.global_origin(message)) is None:
            return
        before, self.origin = self.origin, found
        if before is not None and before != found:
            self._log.log(
                AutopilotEvent.ORIGIN_SET,
                latitude=found.latitude,
                longitude=found.longitude,
                altitude=found.altitude,
            )

    def _odometry(self, message: Any) -> None:
        if self._ours(message) and self._in_order(message):
            before, self.resets = self.resets, int(message.reset_counter)
            if before is not None and before != self.resets:
                for listener in tuple(self.on_reset):
                    listener()

    def _landed(self, message: Any) -> None:
        if self._ours(message) and self._in_order(message):
            self.landed = int(message.landed_state)

    def _system_time(self, message: Any) -> None:
        if self._ours(message):
            self.utc = telemetry.utc(message)

    def _battery(self, message: Any) -> None:
        if self._ours(message) and (found := telemetry.battery(message)) is not None:
            self.battery.take(int(message.id), found)

    def _text(self, message: Any) -> None:
        if not self._ours(message):
            return
        words = telemetry.text(message)
        if "failsafe" in words.lower():
            self.failed_safe = self.link.wall.now()
        warns = message.severity <= mavlink.MAV_SEVERITY_WARNING
        if warns and "failsafe activated" not in words.lower():
            self._warned = words, self.link.wall.now()
        if words not in self.texts[-1:]:  # it says the same again for every refused order
            self.texts = [*self.texts[-9:], words]
            kind = AutopilotEvent.WARNED if warns else AutopilotEvent.SAID
            self._log.log(kind, words=words)
