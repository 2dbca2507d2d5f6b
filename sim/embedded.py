"""The embedded simulator as the take loop sees it: a `Rig` and an `Eye` in lockstep.

Time passes only in `EmbeddedRig.wait_until`, so a take is the same for the same seed, however
slow the machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.rig.camera import Camera, LensState
from cinempc.rig.lead import lead_times
from cinempc.rig.plan import Plan, PlanPoint
from cinempc.rig.state import CameraPose, Frame, RigState
from cinempc.rig.trajectory import Trajectory
from cinempc.rig.vehicle import Vehicle
from sim.body.gimbal import SimGimbal, StabilisationError
from sim.body.lens_motor import LensMotors
from sim.body.vehicle import STEP, Quadrotor
from sim.body.wind import WindField
from sim.scenery.scene import Wind
from sim.sensors.depth import DepthCamera

if TYPE_CHECKING:
    from sim.sensors.camera import SimCamera

Floats = NDArray[np.float64]

#: Time between two setpoints, s: PX4 follows no better above 50 Hz (see docs/vehicles.md).
SETPOINT_PERIOD = 0.02


@dataclass(frozen=True)
class SensorNoise:
    """How the reported state differs from the truth: standard deviations.

    Of the size that RTK-aided estimators reach: the position's error wanders, and the autopilot
    itself flies by it, so a hover wanders too (0.03 m rms was measured on PX4).
    """

    position_bias: float = 0.02  # m, wanders
    bias_time: float = 20.0  # s, in which it forgets where it was
    position: float = 0.01  # m, white
    velocity: float = 0.02  # m/s, white
    attitude: float = math.radians(0.1)  # rad, white
    camera: float = math.radians(0.02)  # rad, white, of each gimbal angle


#: A rig that reports the truth.
NO_NOISE = SensorNoise(0.0, 20.0, 0.0, 0.0, 0.0, 0.0)


class EmbeddedRig:
    """A simulated drone with gimbal and lens, stepped by `wait_until`.

    Example:
        >>> rig = EmbeddedRig(vehicle.load("x500_cinema"), camera.load("super35_zoom"), pose, lens)
        >>> rig.follow(plan)
        >>> rig.wait_until(0.05)
        >>> rig.state().position

    Args:
        vehicle: its limits, response and gimbal.
        camera: lens ranges, rates and lag.
        pose: where the camera is and looks at the start.
        lens: how the lens stands at the start.
        wind: the scene's.
        seed: of gusts, noise and the gimbal.
        velocity: of the vehicle at the start, ENU, m/s.
        heading: of the vehicle at the start, rad; the camera's yaw if not given.
        start: the clock's first reading, s; may be below zero.
        noise: of what is reported.
        stabilisation: what the gimbal's stabilisation leaves over.
    """

    def __init__(
        self,
        vehicle: Vehicle,
        camera: Camera,
        pose: CameraPose,
        lens: LensState,
        *,
        wind: Wind | None = None,
        seed: int = 0,
        velocity: Sequence[float] | Floats = (0.0, 0.0, 0.0),
        heading: float | None = None,
        start: float = 0.0,
        noise: SensorNoise | None = None,
        stabilisation: StabilisationError | None = None,
    ) -> None:
        self.vehicle = vehicle
        self.camera = camera
        self.noise = noise or SensorNoise()
        self.seed = seed
        yaw = pose.yaw if heading is None else heading
        self._air = WindField(wind or Wind(), seed)
        self._body = Quadrotor(vehicle, pose.position, velocity, yaw, self._air.steady)
        angles = np.array([pose.yaw, pose.pitch, pose.roll], dtype=float)
        self._gimbal = SimGimbal(
            vehicle.gimbal, angles, stabilisation or StabilisationError(), seed
        )
        self._lens = LensMotors(camera, lens)
        self._random = np.random.default_rng([seed, 0x65])
        self._bias = (self.noise.position_bias * self._random.standard_normal(3)).tolist()
        self._start = self._time = float(start)
        self._sent = 0
        point = PlanPoint(
            self._time,
            self._body.position,
            self._body.velocity,
            np.zeros(3),
            np.zeros(3),
            angles,
            np.zeros(3),
            self._lens.state,
        )
        self._course = Trajectory(vehicle, point, yaw)
        self._lead = lead_times(vehicle, camera, SETPOINT_PERIOD)
        self._reported: RigState | None = None

    @property
    def time(self) -> float:
        """The rig's clock, s."""
        return self._time

    def true_pose(self) -> CameraPose:
        """Where the camera truly is and looks."""
        yaw, pitch, roll = self._gimbal.angles
        return CameraPose(self._body.position, float(frames.wrap_angle(yaw)), pitch, roll)

    def true_lens(self) -> LensState:
        """How the lens truly stands."""
        return self._lens.state

    def true_velocity(self) -> Floats:
        """The vehicle's true velocity, ENU, m/s."""
        return self._body.velocity

    def state(self) -> RigState:
        """The state as the sensors report it; the same however often it is asked for."""
        if self._reported is None:
            self._reported = self._measure()
        return self._reported

    def follow(self, plan: Plan) -> None:
        """From now on, follow this plan; when it runs out, brake to a hover."""
        self._course.follow(plan)

    def wait_until(self, time: float) -> float:
        """Step the simulation until its clock shows ``time``, s, exactly."""
        while time - self._time > 1e-9:
            due = self._start + self._sent * SETPOINT_PERIOD
            if due - self._time < 1e-9:
                self._send()
                self._sent += 1
                continue
            then = min(self._time + STEP, due, time)
            self._step(then - self._time)
            self._time = then
        if time - self._time > 0:
            self._time = time  # what rounding left
        return self._time

    def _step(self, dt: float) -> None:
        self._reported = None
        self._body.step(dt, self._air.step(dt), self._bias)
        self._gimbal.step(dt, self._body.attitude)
        self._lens.step(dt)

    def _send(self) -> None:
        """One setpoint each to autopilot, gimbal and lens, ahead of time by what they lag."""
        self._wander(SETPOINT_PERIOD)
        now, lead = self._time, self._lead
        self._body.command(self._course.setpoint(now + lead.autopilot, SETPOINT_PERIOD))
        point, _ = self._course.at(now + lead.gimbal)
        self._gimbal.command(point.angles, point.rates)
        point, _ = self._course.at(now + lead.lens)
        self._lens.command(point.lens)

    def _wander(self, dt: float) -> None:
        keep = math.exp(-dt / self.noise.bias_time)
        fresh = self.noise.position_bias * math.sqrt(1 - keep * keep)
        new = self._random.standard_normal(3)
        self._bias = [keep * b + fresh * float(n) for b, n in zip(self._bias, new, strict=True)]

    def _measure(self) -> RigState:
        noise = self.noise
        # By time, not by call: asking twice must not change the take.
        place = round((self._time - self._start) * 1e6)
        deviates = np.random.default_rng([self.seed, 0x73, place]).standard_normal(12)
        position = self._body.position + np.array(self._bias) + noise.position * deviates[0:3]
        yaw, pitch, roll = self._body.attitude + noise.attitude * deviates[3:6]
        angles = self._gimbal.angles + noise.camera * deviates[6:9]
        pose = CameraPose(
            position, float(frames.wrap_angle(angles[0])), float(angles[1]), float(angles[2])
        )
        return RigState(
            time=self._time,
            position=position,
            velocity=self._body.velocity + noise.velocity * deviates[9:12],
            attitude=(float(frames.wrap_angle(yaw)), float(pitch), float(roll)),
            camera=pose,
            camera_rates=np.array(self._gimbal.rates),
            lens=self._lens.state,
        )


class EmbeddedEye:
    """Takes pictures from an `EmbeddedRig`: true light, reported pose and depth.

    Args:
        rig: that carries the camera.
        camera: takes the pictures; without one, all of them are black.
        depth: reports their depth; None reports the truth.
    """

    def __init__(
        self, rig: EmbeddedRig, camera: SimCamera | None = None, depth: DepthCamera | None = None
    ) -> None:
        self._rig = rig
        self._camera = camera
        size = rig.camera.picture
        self._black = np.zeros((size.height, size.width, 3), np.uint8)
        self._depth = depth
        self._seen = -math.inf

    def frame(self, pixels: bool = True) -> Frame | None:
        """A picture of now, with the pose that the rig reports; None if now was shown already.

        Without ``pixels`` it is black, at no cost.
        """
        rig = self._rig
        if rig.time <= self._seen:
            return None
        self._seen = rig.time
        if self._camera is None or not pixels:
            shape = (rig.camera.sensor.width, rig.camera.sensor.height)
            return Frame(rig.time, self._black, rig.state().camera, rig.true_lens(), shape)
        picture = self._camera.expose(rig.time, rig.true_pose(), rig.true_lens())
        seen = picture.depth
        if self._depth is not None and seen is not None:
            seen = self._depth.measure(rig.time, seen)
        return replace(picture, pose=rig.state().camera, depth=seen)
