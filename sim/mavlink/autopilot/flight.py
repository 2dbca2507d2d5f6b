"""The simulated vehicle in flight: its body in the wind, where its estimator has it, and what the
modes and failsafes of `sim.mavlink.autopilot.modes` make of both. It knows no messages."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cinempc.mavlink.px4 import Mode
from cinempc.rig.vehicle import Setpoint, Vehicle
from sim.body.vehicle import STEP, Quadrotor
from sim.body.wind import WindField
from sim.embedded import SensorNoise
from sim.mavlink.autopilot import guidance, modes
from sim.mavlink.autopilot.guidance import MovingSetpoint
from sim.mavlink.autopilot.modes import Airframe, Modes, Move, Signal, Situation
from sim.mavlink.autopilot.parameters import Parameters
from sim.mavlink.autopilot.reports import Target
from sim.scenery.scene import Wind

Floats = NDArray[np.float64]

#: Time after the start before arming is accepted, s.
_READY = 4.0
#: Times after arming, s, when it says that it takes off, and when it does: motors, and the ramp of
#: their thrust (COM_SPOOLUP_TIME, MPC_TKO_RAMP_T).
_RAMP, _LIFT = 1.75, 3.8
#: Time after touching down, s, until the land detector is sure.
_DETECTED = 2.0
#: How fast a position by dead reckoning goes wrong, m/s.
_DRIFT = 0.25
#: Time after the lift-off, s, in which it cannot touch down: a gust must not end a take-off.
_LIFT_OFF = 0.5


class Flight:
    """A vehicle from its start on.

    Args:
        vehicle: gives the drag.
        parameters: the autopilot's.
        announce: told what it says: whether it matters, and the words.
        home: where it stands, ENU m.
        heading: rad.
        wind: that blows.
        noise: of the position that the estimator gives.
        seed: of wind and noise.

    Attributes:
        time: s since its start.
        body: where it truly is.
        modes: what it is to do, and does.
        airframe: whether it stands or flies.
        home: where it returns to, ENU m from the local frame's origin.
        random: gives the noise.
    """

    def __init__(
        self,
        vehicle: Vehicle,
        parameters: Parameters,
        announce: Callable[[bool, str], None],
        home: Floats,
        heading: float,
        wind: Wind,
        noise: SensorNoise,
        seed: int,
    ) -> None:
        self._vehicle, self._parameters, self._announce = vehicle, parameters, announce
        self._noise = noise
        self.time = 0.0
        self.home = home
        self.body = Quadrotor(self._drag_vehicle(), home, yaw=heading)
        self._air = WindField(wind, seed)
        self.random = np.random.default_rng([seed, 0x70])
        self._bias = noise.position_bias * self.random.standard_normal(3)
        self.airframe, self.modes = Airframe.DISARMED, Modes()
        self._setpoint: Setpoint | None = None
        self._setpoint_time = -math.inf
        self._armed_at = self._landed_at = self._lifted_at = 0.0
        self._path = MovingSetpoint(home, np.zeros(3))
        self._goal = home.copy()
        self._yaw = heading
        self._gps_lost: float | None = None  # since when, s
        self._sticks = -math.inf  # when a pilot's sticks were heard

    def _drag_vehicle(self) -> Vehicle:
        """The vehicle with the drag of its parameters."""
        drag = self._parameters["SIH_KDV"] / self._parameters["SIH_MASS"]
        response = self._vehicle.response.model_copy(update={"drag": drag})
        return self._vehicle.model_copy(update={"response": response})

    def take_drag(self) -> None:
        """The parameters of its drag have changed."""
        self.body.drag = self._drag_vehicle().response.drag

    def hover(self, height: float) -> None:
        """Be in the air at once, armed and in hold, ``height`` m above where it stands."""
        place = np.array([*self.body.position[:2], height])
        self.body = Quadrotor(self._drag_vehicle(), place, yaw=self.body.yaw)
        self.airframe, self._armed_at = Airframe.FLYING, self.time
        self.modes = Modes(fallback=self.modes.fallback)
        self._path, self._goal = MovingSetpoint(place, np.zeros(3)), place
        self._yaw = self.body.yaw

    # --- what is true ---

    @property
    def armed(self) -> bool:
        """Whether its motors may turn."""
        return self.airframe is not Airframe.DISARMED

    @property
    def landed(self) -> bool:
        """Whether it is on the ground."""
        return self.airframe is not Airframe.FLYING

    @property
    def mode(self) -> Mode:
        """The flight mode."""
        return self.modes.mode

    @property
    def estimate(self) -> Floats:
        """Where its estimator has it, ENU m, before the white noise of a report."""
        return np.asarray(self.body.position + self._bias)

    @property
    def no_fix(self) -> float | None:
        """Time without satellites, s."""
        return None if self._gps_lost is None else self.time - self._gps_lost

    @property
    def ready(self) -> bool:
        """Whether its checks are over and good."""
        return self.time >= _READY and self._gps_lost is None

    def _situation(self) -> Situation:
        parameters = self._parameters
        return Situation(
            self.airframe,
            no_setpoint=self.time - self._setpoint_time,
            no_sticks=self.time - self._sticks,
            no_fix=self.no_fix or 0.0,
            stream_loss=parameters["COM_OF_LOSS_T"],
            loss_action=int(parameters["COM_OBL_RC_ACT"]),
            patience=parameters["COM_FAIL_ACT_T"],
        )

    @property
    def landed_state(self) -> int:
        """MAV_LANDED_STATE."""
        away = guidance.distance_from(self.home, self._path.position)
        return modes.landed_state(
            self.modes,
            self.airframe,
            ramping=self.time - self._armed_at > _RAMP,
            detected=self.time >= self._landed_at,
            near_home=away < guidance.NEAR_HOME,
        )

    @property
    def target(self) -> Target:
        """What is flown."""
        path, setpoint = self._path, self._setpoint
        if self.mode is Mode.OFFBOARD and setpoint is not None:
            return Target(setpoint.position, setpoint.velocity, setpoint.acceleration, setpoint.yaw)
        return Target(path.position, path.velocity, path.acceleration, self._yaw)

    # --- time ---

    def step(self, time: float) -> None:
        """Go on to a time, s since its start."""
        while time - self.time > 1e-9:
            dt = min(STEP, time - self.time)
            self.time += dt
            self._fly(dt)

    def _fly(self, dt: float) -> None:
        self._watch()
        body = self.body
        wind = self._air.step(dt)
        keep = math.exp(-dt / self._noise.bias_time)
        fresh = self._noise.position_bias * math.sqrt(1 - keep * keep)
        self._bias = keep * self._bias + fresh * self.random.standard_normal(3)
        if self._gps_lost is not None and not self.landed:
            self._bias += dt * _DRIFT * np.array([0.3, -0.95, 0.0])
        if self.landed:
            self._stand()
            return
        if not (self.mode is Mode.OFFBOARD and self._setpoint is not None):
            self._automatic(dt)
        body.step(dt, wind, self._bias.tolist())
        rises = self.time - self._lifted_at < _LIFT_OFF
        if body.position[2] <= 0.0 and body.velocity[2] <= 0 and not rises:
            self._touch_down()

    def _stand(self) -> None:
        """On the ground: lift off when that is wanted, disarm when nothing is."""
        if not self.armed:
            return
        wants_up = (self.mode is Mode.TAKEOFF) or (
            self.mode is Mode.OFFBOARD
            and self._setpoint is not None
            and self._setpoint.position[2] > self.home[2] + 0.3
        )
        waited = self.time - self._armed_at
        if wants_up and waited > _LIFT:
            self.airframe = modes.moved(self.airframe, Move.LIFT_OFF)
            self._lifted_at = self.time
            self._path = MovingSetpoint(self.estimate, np.zeros(3))
            if self.mode is Mode.OFFBOARD and self._setpoint is not None:
                self.body.command(self._setpoint)
        elif (
            self.airframe is Airframe.SPOOLING and waited > self._parameters["COM_DISARM_PRFLT"] > 0
        ):
            self._disarm("Disarmed by auto preflight disarming")

    def _touch_down(self) -> None:
        body = self.body
        place = np.array([body.position[0], body.position[1], 0.0])
        self.body = Quadrotor(self._drag_vehicle(), place, yaw=body.yaw)
        self.airframe = modes.moved(self.airframe, Move.TOUCH_DOWN)
        self._landed_at = self.time + _DETECTED
        self._goal = place

    def _automatic(self, dt: float) -> None:
        """An automatic mode: it follows a setpoint of its own."""
        path, mode, parameters = self._path, self.mode, self._parameters
        high = abs(self.estimate[2] - self._goal[2]) < guidance.REACHED
        if mode is Mode.TAKEOFF and high:
            goal = self._goal
            self._change(modes.step(self.modes, Signal.REACHED))
            path, self._goal = self._path, goal
        goal = guidance.destination(
            mode, self._goal, path.position, self.home, parameters["RTL_RETURN_ALT"]
        )
        up, down = parameters["MPC_Z_VEL_MAX_UP"], parameters["MPC_Z_VEL_MAX_DN"]
        path.step(goal, guidance.speeds(mode, goal, path.position[2], up, down), dt)
        self.body.command(Setpoint(path.position, path.velocity, path.acceleration, self._yaw))

    # --- modes ---

    def _watch(self) -> None:
        """Failsafes, and the way back from them."""
        down = self.airframe is Airframe.TOUCHED_DOWN
        if down and self.time - self._landed_at > self._parameters["COM_DISARM_LAND"] > 0:
            self._disarm("Disarmed by landing")
            return
        found = modes.signal_now(self.modes, self._situation())
        if found is None:
            return
        signal, mode = found
        if signal is Signal.FALL_BACK:
            self.fall_back(mode)
            return
        if signal is not Signal.STREAM_BACK:
            self._announce(True, "Failsafe activated")
        self._change(modes.step(self.modes, signal, mode))

    def fall_back(self, mode: Mode) -> None:
        """A failsafe that lasts until somebody changes the mode, unless a worse one acts: to HOLD
        (here, and not where it can stop), RETURN or LAND."""
        self._announce(True, "Failsafe activated")
        after = modes.step(self.modes, Signal.FALL_BACK, mode)
        self._change(after)
        if after.mode is mode and mode is Mode.HOLD:
            self._goal = self.estimate

    def _change(self, after: Modes) -> None:
        """Take over the modes; another mode begins from where the vehicle is."""
        before, mode = self.mode, after.mode
        self.modes = after
        if mode is before:
            return
        if before is Mode.OFFBOARD or mode is not Mode.OFFBOARD:
            self._path = MovingSetpoint(self.estimate, self.body.velocity)
            if before is not Mode.TAKEOFF:
                self._goal = guidance.stopping_point(self.estimate, self.body.velocity)
            self._yaw = self.body.yaw
        if mode is Mode.TAKEOFF:
            self._goal = self._above(self.body.position)
        if mode is Mode.OFFBOARD and self._setpoint is not None:
            self.body.command(self._setpoint)

    def _above(self, place: Floats) -> Floats:
        """Where a take-off from a place leads."""
        return np.asarray(place + np.array([0, 0, self._parameters["MIS_TAKEOFF_ALT"]]))

    def _disarm(self, words: str) -> None:
        self._announce(False, words)
        if not self.landed:
            self._touch_down()
        self.airframe = modes.moved(self.airframe, Move.DISARM)
        self.home = self.body.position.copy()
        self.modes = modes.step(self.modes, Signal.DISARMED)

    # --- orders ---

    def take_setpoint(self, setpoint: Setpoint) -> None:
        """A setpoint has come."""
        self._setpoint, self._setpoint_time = setpoint, self.time
        if self.mode is Mode.OFFBOARD and not self.landed:
            self.body.command(setpoint)

    def feel_sticks(self) -> None:
        """A pilot's sticks were heard."""
        self._sticks = self.time

    def lose_fix(self, lost: bool) -> None:
        """Satellites are lost, or there again."""
        if not lost:
            self._gps_lost = None
        elif self._gps_lost is None:
            self._gps_lost = self.time

    def order(self, mode: Mode) -> bool:
        """Go into a mode that somebody wants; whether it does. A pilot's sticks, once they have
        been let go, hold it where it is."""
        if not modes.takes(mode, self._situation()):
            return False
        self._change(modes.step(self.modes, Signal.ORDERED, mode))
        return True

    def arm(self) -> bool:
        """Arm; whether it does."""
        if self.armed:
            return True
        if not self.ready:
            self._announce(True, "Arming denied: Resolve system health failures first")
            return False
        self.airframe = modes.moved(self.airframe, Move.ARM)
        self._armed_at = self.time
        self.home = self.body.position.copy()
        self._announce(False, "Armed by external command")
        if self.mode is Mode.TAKEOFF:
            self._goal = self._above(self.home)
        return True

    def disarm(self, force: bool) -> bool:
        """Disarm, in the air only by force; whether it does."""
        down = self.landed and self.time >= self._landed_at
        if not down and not force:
            self._announce(True, "Disarming denied: not landed")
            return False
        if self.armed:
            self._disarm("Disarmed by external command")
        return True
