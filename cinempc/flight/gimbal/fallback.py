"""A camera without a gimbal: the vehicle turns for its yaw, and at most a servo tilts it.

Nothing measures where such a camera looks. It is worked out from the vehicle's attitude and, with
a servo, from a model of how the servo follows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.flight.gimbal.history import Aim, AttitudeHistory
from cinempc.flight.gimbal.reasons import GimbalEvent, GimbalReason, Problems
from cinempc.frames import Angles
from cinempc.mavlink import telemetry
from cinempc.mavlink.commands import Target
from cinempc.mavlink.dialect import enum_name, mavlink
from cinempc.mavlink.link import Link
from cinempc.mavlink.vehicle_clock import VehicleClock
from cinempc.rig import motor
from cinempc.rig.log import EventLogger, Problem, problem
from cinempc.rig.mount import FixedMount, ServoMount
from cinempc.rig.vehicle import Gimbal

Floats = NDArray[np.float64]

#: Time between two commands to the servo, vehicle s: a servo's own lag is longer.
PERIOD = 0.05
#: Time without the vehicle's attitude, vehicle s, after which the camera's is not known.
_STALE = 1.0
#: Actuators of one MAV_CMD_DO_SET_ACTUATOR.
_SET = 6


class Servo:
    """How a tilt servo follows: a first-order lag, at no more than its rate.

    Args:
        rate: rad/s.
        lag: time constant, s.
        tilt: where it stands, rad.
    """

    def __init__(self, rate: float, lag: float, tilt: float) -> None:
        self._rate, self._lag = rate, lag
        self.tilt = self.target = tilt
        self.turning = 0.0  #: Of the tilt, rad/s.

    def step(self, dt: float) -> None:
        """Go on by ``dt`` s."""
        if dt <= 0:
            return
        before = self.tilt
        self.tilt = motor.approach(before, self.target, dt, self._rate, self._lag)
        self.turning = (self.tilt - before) / dt


class FallbackGimbal:
    """A camera that is fixed to the vehicle, or on a tilt servo.

    Args:
        gimbal: ranges, rate, lag, and a mount that is ``servo`` or ``fixed``.
        link: open; the autopilot's ATTITUDE is read from it.
        autopilot: its address.
        vehicle_attitude: yaw, pitch, roll, rad, the newest known; NaN while unknown.
        clock: the vehicle's, for how old the attitude is; not needed.
    """

    def __init__(
        self,
        gimbal: Gimbal,
        link: Link,
        autopilot: Target,
        *,
        vehicle_attitude: Callable[[], Angles],
        clock: VehicleClock | None = None,
    ) -> None:
        if not isinstance(gimbal.mount, ServoMount | FixedMount):
            raise TypeError(f"a {gimbal.mount.kind} mount is a gimbal's, not the fallback's")
        self._gimbal, self._mount = gimbal, gimbal.mount
        self._link, self._autopilot = link, autopilot
        self._vehicle_attitude, self._clock = vehicle_attitude, clock
        self._problems = Problems(EventLogger("cinempc.flight.gimbal", link.wall.utc))
        self._history = AttitudeHistory()
        level = self._reach(0.0)
        self._servo = Servo(gimbal.rate, gimbal.lag, level)
        self._now = self._sent = -math.inf
        self._heading: float | None = None
        self._unsubscribe = [
            link.on("ATTITUDE", self._attitude),
            link.on("COMMAND_ACK", self._answered),
        ]

    @property
    def healthy(self) -> bool:
        """Whether the vehicle's attitude is known and the servo's commands are not refused."""
        return self._history.at(self._now) is not None and not self._old() and not self.problems

    @property
    def controls(self) -> bool:
        """Whether it obeys us: nobody else is asked."""
        return True

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong now."""
        return self._problems.standing

    @property
    def heading(self) -> float | None:
        """Yaw, rad, that the vehicle must have for the camera to look where it was pointed; None
        before it was. It is in the vehicle's setpoints already when the plan knows that the yaw
        range is zero."""
        return self._heading

    def limits(self) -> Gimbal:
        """The ranges in which it can be pointed: the file's, or the one pitch of a fixed camera."""
        if isinstance(self._mount, FixedMount):
            only = self._gimbal.pitch.model_construct(min=self._mount.pitch, max=self._mount.pitch)
            return self._gimbal.model_copy(update={"pitch": only})
        return self._gimbal

    async def connect(self, timeout: float = 0.0) -> None:
        """Nothing to find."""

    async def claim(self) -> None:
        """Nobody to ask."""

    def let_go(self) -> None:
        """Nothing that anybody else could take."""

    def close(self) -> None:
        """Stop listening. The servo stays where it is."""
        for end in self._unsubscribe:
            end()
        self._unsubscribe = []

    def point(self, angles: Sequence[float] | Floats, rates: Sequence[float] | Floats) -> None:
        """Tilt there as far as that goes; the yaw is the vehicle's own affair.

        Args:
            angles: yaw, pitch, roll in the world frame, rad.
            rates: of them, rad/s; not needed.

        Raises:
            ValueError: an angle is not finite.
        """
        yaw, pitch, roll = (float(a) for a in angles)
        if not all(map(math.isfinite, (yaw, pitch, roll))):
            raise ValueError("a camera attitude that is not a number")
        self._heading = float(frames.wrap_angle(yaw))
        lean = self._vehicle_attitude()[1]
        if not isinstance(self._mount, ServoMount) or not math.isfinite(lean):
            return
        self._servo.target = self._reach(pitch - lean)
        if 0 <= self._now - self._sent < PERIOD:
            return
        self._sent = self._now
        self._command(self._mount, self._servo.target, pitch)

    def attitude_at(self, time: float) -> Aim | None:
        """Where the camera looks at a vehicle time, s, world frame; None before the vehicle's
        first attitude, and for times that are no longer kept."""
        return self._history.at(time)

    # --- the servo ---

    def _reach(self, tilt: float) -> float:
        """The nearest tilt against the airframe that there is, rad."""
        if isinstance(self._mount, FixedMount):
            return self._mount.pitch
        ends = self._mount.low, self._mount.high
        low = max(min(ends), self._gimbal.pitch.min)
        high = min(max(ends), self._gimbal.pitch.max)
        return min(max(tilt, low), high)

    def _command(self, mount: ServoMount, tilt: float, pitch: float) -> None:
        if mount.command == "set_actuator":
            value = 2 * (tilt - mount.low) / (mount.high - mount.low) - 1
            index, place = divmod(mount.actuator - 1, _SET)
            params = [math.nan] * _SET
            params[place] = min(max(value, -1.0), 1.0)
            number, params = mavlink.MAV_CMD_DO_SET_ACTUATOR, [*params, float(index)]
        else:
            number = mavlink.MAV_CMD_DO_MOUNT_CONTROL
            mode = float(mavlink.MAV_MOUNT_MODE_MAVLINK_TARGETING)
            params = [math.degrees(pitch), 0.0, 0.0, 0.0, 0.0, 0.0, mode]
        # Not waited for: the next comes sooner than an answer would.
        self._link.send(
            mavlink.MAVLink_command_long_message(
                self._autopilot.system, self._autopilot.component, number, 0, *params
            )
        )

    def _answered(self, message: Any) -> None:
        ours = (mavlink.MAV_CMD_DO_SET_ACTUATOR, mavlink.MAV_CMD_DO_MOUNT_CONTROL)
        if message.command not in ours or not self._autopilot.sent(message):
            return
        good = (mavlink.MAV_RESULT_ACCEPTED, mavlink.MAV_RESULT_IN_PROGRESS)
        if message.result in good:
            self._problems.end("servo", GimbalEvent.SERVO_AGAIN)
        else:
            result = enum_name("MAV_RESULT", message.result)
            self._problems.arise("servo", problem(GimbalReason.SERVO, result=result))

    # --- the attitude ---

    def _old(self) -> bool:
        clock = self._clock
        return clock is not None and clock.known and clock.now() - self._now > _STALE

    def _attitude(self, message: Any) -> None:
        """ATTITUDE: the vehicle's, and so the camera's."""
        if not self._autopilot.sent(message):
            return
        found = telemetry.attitude(message)
        if found is None:
            return
        step = found.time - self._now
        if step < -_STALE:
            self._history.clear()  # the autopilot was restarted
        elif step <= 0:
            return
        self._now = found.time
        if math.isfinite(step):
            self._servo.step(step)
        tilt = self._servo.tilt
        yaw_rate, pitch_rate, roll_rate = found.rates
        self._history.add(
            found.time,
            tilted(found.angles, tilt),
            (yaw_rate, pitch_rate + self._servo.turning, roll_rate),
        )


def tilted(attitude: Angles, tilt: float) -> Angles:
    """World yaw, pitch and roll, rad, of a camera on a vehicle with an attitude, tilted up by
    ``tilt`` rad about the airframe's lateral axis."""
    body = frames.camera_rotation(*attitude)
    c, s = math.cos(tilt), math.sin(tilt)
    # Optical axes: up is against y, so the new forward is c z - s y.
    about_right = np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
    return frames.upright(frames.camera_angles(body @ about_right))
