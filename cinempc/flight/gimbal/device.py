"""What a gimbal device reports: where the camera looks, what fails, and how far it reaches."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import Any

from cinempc.flight.gimbal.history import Aim, AttitudeHistory
from cinempc.flight.gimbal.reasons import GimbalEvent, GimbalReason, Problems
from cinempc.frames import Angles
from cinempc.mavlink import gimbal_messages as messages
from cinempc.mavlink.vehicle_clock import VehicleClock
from cinempc.rig.clock import Clock
from cinempc.rig.log import EventLogger, problem
from cinempc.rig.vehicle import Gimbal

#: Time without a report, vehicle s, after which the gimbal is gone.
GONE = 1.0
#: Time for the first report to come, s, before its absence is told.
PATIENCE = 6.0
#: Reports of one time, and the time, wall s, over which they come, that a clock stands still by:
#: routers repeat packets, too, but not for so long.
_ALIKE, _STANDING = 5, 0.5


class Presence(Enum):
    """Whether the device is there."""

    UNHEARD = "not heard yet"
    REPORTING = "reports"
    SILENT = "reported, and does not any more"


class DeviceReports:
    """Takes in the reports of a device.

    Args:
        gimbal: ranges, by the vehicle's file.
        problems: takes what is wrong.
        log: takes the rest.
        wall: this computer's clock.
        clock: the vehicle's; without one the device's time is taken for the vehicle's.
        vehicle_attitude: yaw, pitch, roll, rad, the newest known; NaN while unknown.
        earth: whether it is told yaws from north.

    Attributes:
        presence: whether it is there.
        limits: the file's gimbal, its ranges no wider than the device's own.
        newest: when a report came last, wall s.
    """

    def __init__(
        self,
        gimbal: Gimbal,
        problems: Problems,
        log: EventLogger,
        *,
        wall: Clock,
        clock: VehicleClock | None,
        vehicle_attitude: Callable[[], Angles],
        earth: bool,
    ) -> None:
        self._gimbal = self.limits = gimbal
        self._problems, self._log = problems, log
        self._wall, self._clock = wall, clock
        self._vehicle_attitude, self._earth = vehicle_attitude, earth
        self.presence = Presence.UNHEARD
        self.history = AttitudeHistory()
        self._own_clock = VehicleClock(wall=wall)
        self.newest = -math.inf
        self._began = math.nan  # of the looking
        self._timeless = False  # its clock stands still
        self._same = (math.nan, -math.inf, 0)  # its newest time, since when, and how often
        self._failures = 0
        self._met = 0  # failure flags ever seen
        self._heading: tuple[float, float] | None = None  # the vehicle's, at the last report's time
        self._turning = 0.0
        self._abouts: dict[str, Any] = {}  # what manager and device say of themselves

    @property
    def healthy(self) -> bool:
        """Whether it reports its attitude, and no failure."""
        reports = self.presence is Presence.REPORTING and not self._silent()
        return reports and not self._failures

    @property
    def heading_rate(self) -> float | None:
        """Of the vehicle's yaw, rad/s; None while unknown."""
        return None if self._heading is None else self._turning

    def attitude_at(self, time: float) -> Aim | None:
        """Where the camera looks at a vehicle time, s, world frame; see `AttitudeHistory.at`."""
        clock = self._clock
        if clock is not None and clock.known and self._own_clock.known:
            # A gimbal counts from its own start.
            time = self._own_clock.now(clock.monotonic(time))
        return self.history.at(time)

    def take(self, message: Any) -> bool:
        """Take in GIMBAL_DEVICE_ATTITUDE_STATUS; whether the device is back by it."""
        heading = self._vehicle_attitude()[0]
        report = messages.device_report(message, heading, self.heading_rate)
        if report is None:
            return False
        now = self._wall.now()
        if report.time is not None and self._stands(report.time, now):
            report = replace(report, time=None)
        stamp = now if report.time is None else report.time
        restarts = self._own_clock.restarts
        self._own_clock.tell(stamp, now)
        if self._own_clock.restarts > restarts:
            self.history.clear()
            self._heading = None
        self.history.add(stamp, report.angles, report.rates)
        if math.isfinite(heading) and (self._heading is None or stamp > self._heading[0]):
            self._measure_turning(stamp, heading)
        self.newest = now
        self._take_failures(report.failures)
        if self.presence is Presence.REPORTING:
            return False
        self.presence = Presence.REPORTING
        self._problems.end("device", GimbalEvent.REPORTS_AGAIN)
        return True

    def _stands(self, time: float, now: float) -> bool:
        """Whether the device's clock stands still: then the time of arrival is the better one."""
        if self._timeless:
            return True
        last, since, count = self._same
        if time != last:
            self._same = (time, now, 1)
            return False
        self._same = (last, since, count + 1)
        if count < _ALIKE or now - since < _STANDING:
            return False
        self._timeless = True
        self._own_clock = VehicleClock(wall=self._wall)
        self.history.clear()
        self._heading = None
        self._log.log(GimbalEvent.NO_CLOCK)
        return True

    def _measure_turning(self, stamp: float, heading: float) -> None:
        """How fast the vehicle has turned since the last report."""
        last, self._heading = self._heading, (stamp, heading)
        if last is not None and stamp - last[0] < 0.5:
            turned = math.remainder(heading - last[1], 2 * math.pi)
            rate = turned / (stamp - last[0])
            # The autopilot's attitude may stand still between two of the gimbal's reports.
            self._turning += 0.3 * (rate - self._turning)
        else:
            self._turning = 0.0

    def _take_failures(self, flags: int) -> None:
        for flag, words in messages.FAILURES.items():
            key = ("failure", flag)
            if flags & flag:
                self._problems.arise(key, problem(GimbalReason.FAILURE, failure=words, flag=flag))
            else:
                self._problems.end(key, GimbalEvent.FAILURE_OVER, failure=words, flag=flag)
        for flag, axis in messages.STOPS.items():
            if flags & flag and not self._met & flag:
                self._log.log(GimbalEvent.AT_END, axis=axis)
        self._met |= flags
        self._failures = flags & sum(messages.FAILURES)

    def narrow(self, about: Any) -> None:
        """Take in the limits of GIMBAL_DEVICE_INFORMATION or GIMBAL_MANAGER_INFORMATION."""
        self._abouts[about.get_type()] = about
        self.limits = self._gimbal
        sentences: list[str] = []
        for each in self._abouts.values():
            self.limits, said = messages.narrower(self.limits, each)
            sentences += said
        for axis in ("yaw", "pitch", "roll"):
            of_axis = [s for s in sentences if f"gimbal's {axis} " in s]
            if of_axis:
                reason = problem(GimbalReason.RANGE, words=of_axis[-1], axis=axis)
                self._problems.arise(("range", axis), reason)
        if self._earth and not messages.knows_north(about):
            self._problems.arise("north", problem(GimbalReason.NO_NORTH))

    def _silent(self) -> bool:
        # A simulator that runs slowly reports later by this clock.
        rate = 1.0 if self._clock is None else min(max(self._clock.rate, 0.05), 1.0)
        return self._wall.now() - self.newest > GONE / rate

    def look(self, component: int, heard: str = "") -> None:
        """Notice that it is gone, or was never there.

        Args:
            component: whose reports are waited for.
            heard: who reports instead, in words.
        """
        if math.isnan(self._began):
            self._began = self._wall.now()
        if self.presence is Presence.REPORTING and self._silent():
            self.presence = Presence.SILENT
            self._problems.arise("device", problem(GimbalReason.SILENT, silence=GONE))
        elif self.presence is Presence.UNHEARD and self._wall.now() - self._began > PATIENCE:
            self._problems.arise(
                "device", problem(GimbalReason.ABSENT, component=component, heard=heard)
            )
