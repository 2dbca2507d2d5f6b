"""An autopilot that behaves as PX4 does, as measured on PX4: modes, arming, offboard and its
time-out, failsafes, parameters, message rates. It flies `sim.vehicle.Quadrotor`.

The conformance suite in ``tests/flight/`` runs against it and against real PX4; where the two
differ, this is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.flight import geodesy
from cinempc.flight.commands import decode_parameter, encode_parameter
from cinempc.flight.dialect import mavlink
from cinempc.flight.px4 import Mode, mode_of
from cinempc.vehicle import Setpoint, Vehicle
from sim.embedded import SensorNoise
from sim.mavlink.component import Component, Send
from sim.scene import Wind
from sim.vehicle import STEP, Quadrotor
from sim.wind import WindField

Floats = NDArray[np.float64]

#: Version that is reported: the PX4 that was measured (1.18, a development build).
VERSION = 1 << 24 | 18 << 16 | 64
#: The vehicle's UTC when it starts, µs: 2026-01-01. Its GPS is simulated.
EPOCH = 1767225600_000000
#: Time after the start before arming is accepted, s.
_READY = 4.0
#: Times after arming, s, when it says that it takes off, and when it does: motors, and the ramp of
#: their thrust (COM_SPOOLUP_TIME, MPC_TKO_RAMP_T).
_RAMP, _LIFT = 1.75, 3.8
#: Time after the start, s, until its estimator has a position.
_SETTLED = 2.0
#: Time after touching down, s, until the land detector is sure.
_DETECTED = 2.0
#: Times after the last fix, s, when a position by dead reckoning is not believed any more, and when
#: its speed is not; and how fast it goes wrong, m/s.
_LOST, _DRIFTED, _DRIFT = 5.0, 7.0, 0.25
#: Times, s, for which a ground station, and a pilot with sticks, are taken to be there when they
#: were heard, and after which it is a failsafe that the pilot is not.
_STATION, _STICKS, _STICKS_GONE = 2.5, 0.5, 0.9
#: Time after the lift-off, s, in which it cannot touch down: a gust must not end a take-off.
_LIFT_OFF = 0.5
#: Default message rates of PX4's onboard link, 1/s.
DEFAULT_RATES = {
    "LOCAL_POSITION_NED": 30.0,
    "ATTITUDE": 85.0,
    "ATTITUDE_QUATERNION": 50.0,
    "ESTIMATOR_STATUS": 1.0,
    "EXTENDED_SYS_STATE": 5.0,
    "GLOBAL_POSITION_INT": 50.0,
    "GPS_RAW_INT": 8.0,
    "SYS_STATUS": 5.0,
    "BATTERY_STATUS": 0.5,
    "HOME_POSITION": 0.5,
    "SYSTEM_TIME": 1.0,
    "POSITION_TARGET_LOCAL_NED": 10.0,
}
_INT, _REAL = mavlink.MAV_PARAM_TYPE_INT32, mavlink.MAV_PARAM_TYPE_REAL32
#: Parameters that clients ask for, with PX4's defaults and types.
PARAMETERS: dict[str, tuple[float, int]] = {
    "SYS_AUTOSTART": (10040, _INT),
    "SYS_FAILURE_EN": (1, _INT),  # in simulation
    "COM_OF_LOSS_T": (1.0, _REAL),
    "COM_OBL_RC_ACT": (0, _INT),
    "COM_DISARM_LAND": (2.0, _REAL),
    "COM_DISARM_PRFLT": (10.0, _REAL),
    "COM_RC_IN_MODE": (1, _INT),
    "MIS_TAKEOFF_ALT": (2.5, _REAL),
    "MNT_MODE_IN": (4, _INT),
    "MNT_MODE_OUT": (2, _INT),
    "MPC_XY_P": (0.95, _REAL),
    "MPC_Z_P": (1.0, _REAL),
    "MPC_XY_VEL_P_ACC": (1.8, _REAL),
    "MPC_XY_VEL_I_ACC": (0.4, _REAL),
    "MPC_XY_VEL_D_ACC": (0.2, _REAL),
    "MPC_VELD_LP": (5.0, _REAL),
    "MPC_XY_VEL_MAX": (12.0, _REAL),
    "MPC_ACC_HOR": (3.0, _REAL),
    "MPC_ACC_HOR_MAX": (5.0, _REAL),
    "MPC_TILTMAX_AIR": (45.0, _REAL),
    "MPC_Z_VEL_MAX_UP": (3.0, _REAL),
    "MPC_Z_VEL_MAX_DN": (1.5, _REAL),
    "MPC_JERK_AUTO": (4.0, _REAL),
    "MC_YAW_P": (2.8, _REAL),
    "RTL_RETURN_ALT": (30.0, _REAL),
    "GF_ACTION": (2, _INT),
    "GF_SOURCE": (0, _INT),
    "GF_MAX_HOR_DIST": (0.0, _REAL),
    "GF_MAX_VER_DIST": (0.0, _REAL),
    "COM_FAIL_ACT_T": (5.0, _REAL),
    "SIH_MASS": (1.0, _REAL),
    "SIH_KDV": (1.0, _REAL),
}
#: Sensors that it has, as PX4 tells of them, less the satellite receiver.
_SENSORS = (
    mavlink.MAV_SYS_STATUS_SENSOR_3D_GYRO
    | mavlink.MAV_SYS_STATUS_SENSOR_3D_ACCEL
    | mavlink.MAV_SYS_STATUS_SENSOR_3D_MAG
    | mavlink.MAV_SYS_STATUS_SENSOR_ABSOLUTE_PRESSURE
    | mavlink.MAV_SYS_STATUS_SENSOR_XY_POSITION_CONTROL
    | mavlink.MAV_SYS_STATUS_SENSOR_MOTOR_OUTPUTS
    | mavlink.MAV_SYS_STATUS_LOGGING
    | mavlink.MAV_SYS_STATUS_SENSOR_BATTERY
)
#: What COM_OBL_RC_ACT leads to; without sticks, the manual modes fall through to a return.
_LOSS_MODES = {0: Mode.RETURN, 3: Mode.RETURN, 4: Mode.LAND, 5: Mode.HOLD}
#: What of two failsafes is done: the later one here.
_WORSE = (Mode.HOLD, Mode.RETURN, Mode.LAND, Mode.DESCEND)
#: Modes that want a pilot with sticks.
_MANUAL = (Mode.MANUAL, Mode.ALTITUDE, Mode.POSITION, Mode.ACRO, Mode.STABILIZED)
_CRUISE, _ACCELERATION, _JERK = 5.0, 3.0, 4.0  # MPC_XY_CRUISE, MPC_ACC_HOR, MPC_JERK_AUTO
_APPROACH = 0.5  # 1/s, MPC_XY_TRAJ_P: speed for the distance that is left
_TAKE_OFF = 1.5  # m/s, MPC_TKO_SPEED
#: Landing: speed m/s at and below a height m (MPC_LAND_SPEED, MPC_LAND_ALT2), to the usual one at
#: MPC_LAND_ALT1; and close to the ground (MPC_LAND_CRWL).
_LAND_SPEED, _LAND_LOW, _LAND_HIGH, _CRAWL, _CRAWL_BELOW = 0.7, 5.0, 10.0, 0.3, 0.7
#: How near home it goes down, m (NAV_ACC_RAD).
_NEAR_HOME = 10.0
#: How near the height of its take-off it holds, m (NAV_MC_ALT_RAD).
_REACHED = 0.8
#: MAV_CMD_INJECT_FAILURE's unit and types (FAILURE_UNIT_SENSOR_GPS, FAILURE_TYPE_*).
_INJECT, _GPS, _OK = 420, 4, 0
#: MAV_PARAM_ERROR_TYPE_MISMATCH, newer than the dialect.
_TYPE_MISMATCH = 7
#: ESTIMATOR_STATUS flags: of all that it can know, and without a position, without a speed; at
#: rest it says that it is (ESTIMATOR_CONST_POS_MODE).
_KNOWN, _NO_PLACE, _NO_SPEED, _AT_REST = 895, 869, 101, 128


@dataclass(frozen=True)
class Geodetic:
    """Where the local frame's origin is: degrees, and m above mean sea level."""

    latitude: float = 47.397742
    longitude: float = 8.545594
    altitude: float = 488.0


class _Path:
    """The moving setpoint of the automatic modes: sets out, cruises, brakes, stands; its
    acceleration and jerk are limited."""

    def __init__(self, position: Floats, velocity: Floats) -> None:
        self.position, self.velocity = position.copy(), velocity.copy()
        self.acceleration = np.zeros(3)

    def step(self, target: Floats, speed: tuple[float, float, float], dt: float) -> None:
        """Towards a target at up to (horizontal, up, down) m/s."""
        error = target - self.position
        wanted = np.zeros(3)
        far = math.hypot(error[0], error[1])
        if far > 1e-6:
            pace = min(speed[0], _APPROACH * far, _fastest(far))
            wanted[:2] = pace / far * error[:2]
        pace = _fastest(abs(error[2]))
        wanted[2] = min(pace, speed[1]) if error[2] > 0 else -min(pace, speed[2])
        short = wanted - self.velocity
        # As hard as leaves time to let go again.
        hard = np.minimum(np.sqrt(2 * _JERK * np.abs(short)), _ACCELERATION) * np.sign(short)
        turn = np.clip(hard - self.acceleration, -_JERK * dt, _JERK * dt)
        self.acceleration = self.acceleration + turn
        self.velocity = self.velocity + dt * self.acceleration
        self.position = self.position + dt * self.velocity


def _fastest(distance: float) -> float:
    """Speed, m/s, from which it can stop in a distance, m; undoes `_stopping`."""
    b = 2 * _ACCELERATION**2 / _JERK
    return (math.sqrt(b * b + 8 * _ACCELERATION * distance) - b) / 2


def _stopping(speed: float) -> float:
    """Distance, m, in which it stops from a speed, m/s: with PX4's allowance for its jerk."""
    return speed * (speed / (2 * _ACCELERATION) + _ACCELERATION / _JERK)


def _ignoring(make: Callable[[], Any]) -> Callable[[float], Any]:
    return lambda param: make()


class SimAutopilot(Component):
    """A simulated PX4 in a simulated vehicle.

    Args:
        vehicle: gives the drag.
        send: carries a message to every link.
        send_to: carries a message to one link.
        position: of the vehicle on the ground, ENU m from the local frame's origin.
        heading: rad.
        wind: that blows.
        system: id.
        seed: of wind and noise.
        noise: of the position and velocity that the estimator gives.
        origin: of the local frame on the earth.
    """

    def __init__(
        self,
        vehicle: Vehicle,
        send: Send,
        send_to: Callable[[int, Any], None],
        *,
        position: Floats | None = None,
        heading: float = math.pi / 2,
        wind: Wind | None = None,
        system: int = 1,
        seed: int = 0,
        noise: SensorNoise | None = None,
        origin: Geodetic | None = None,
    ) -> None:
        super().__init__(system, mavlink.MAV_COMP_ID_AUTOPILOT1, mavlink.MAV_TYPE_QUADROTOR, send)
        self.vehicle, self.noise = vehicle, noise or SensorNoise()
        self.origin = origin or Geodetic()
        self._send_to = send_to
        self.via = 0  #: The link that the message being received came over.
        self._wind, self._seed = wind or Wind(), seed
        self._home = np.zeros(3) if position is None else np.asarray(position, dtype=float)
        self._heading = heading
        self._parameters = dict(PARAMETERS)
        self._rates: dict[int, dict[str, float]] = {}
        self._began = 0.0
        self._collaborators: list[Any] = []
        self.reboots = 0
        commands = {
            mavlink.MAV_CMD_COMPONENT_ARM_DISARM: self._arm_disarm,
            mavlink.MAV_CMD_DO_SET_MODE: self._set_mode,
            mavlink.MAV_CMD_NAV_TAKEOFF: lambda m: self._go(Mode.TAKEOFF),
            mavlink.MAV_CMD_NAV_LAND: lambda m: self._go(Mode.LAND),
            mavlink.MAV_CMD_NAV_RETURN_TO_LAUNCH: lambda m: self._go(Mode.RETURN),
            mavlink.MAV_CMD_SET_MESSAGE_INTERVAL: self._set_interval,
            mavlink.MAV_CMD_PREFLIGHT_REBOOT_SHUTDOWN: self._reboot_ordered,
            _INJECT: self._inject,
        }
        self.commands.update(commands)
        self._messages: dict[str, Callable[[], Any]] = {
            "LOCAL_POSITION_NED": self._local_position,
            "ATTITUDE": self._attitude_message,
            "ATTITUDE_QUATERNION": self._attitude_quaternion,
            "ESTIMATOR_STATUS": self._estimator_status,
            "EXTENDED_SYS_STATE": lambda: mavlink.MAVLink_extended_sys_state_message(
                0, self._landed_state()
            ),
            "GLOBAL_POSITION_INT": self._global_position,
            "GPS_RAW_INT": self._gps,
            "SYS_STATUS": self._sys_status,
            "BATTERY_STATUS": self._battery_status,
            "HOME_POSITION": self._home_position,
            "GPS_GLOBAL_ORIGIN": self._global_origin,
            "SYSTEM_TIME": lambda: mavlink.MAVLink_system_time_message(
                self._unix_us(), self.boot_ms
            ),
            "POSITION_TARGET_LOCAL_NED": self._target_message,
            "AUTOPILOT_VERSION": self._version,
        }
        for name, make in self._messages.items():
            number = getattr(mavlink, f"MAVLINK_MSG_ID_{name}")
            self.requests[number] = _ignoring(make)
        self._due: dict[tuple[int, str], float] = {}
        self._boot(0.0)

    def add(self, collaborator: Any) -> None:
        """Something that the autopilot does beside, such as a gimbal manager: it has ``handle``
        (a message; its answer to a command, or None) and ``step`` (a time, s)."""
        self._collaborators.append(collaborator)

    # --- starting ---

    def _boot(self, wall: float) -> None:
        self._began = wall
        self.time = 0.0
        self._body = Quadrotor(self._drag_vehicle(), self._home, yaw=self._heading)
        self._air = WindField(self._wind, self._seed)
        self._random = np.random.default_rng([self._seed, 0x70])
        self._bias = self.noise.position_bias * self._random.standard_normal(3)
        self.armed, self.landed = False, True
        self._intended = self._mode = Mode.HOLD  # what was asked for, and what is done
        self._failsafe = False
        #: What a failsafe makes it do until somebody changes the mode; None without one.
        self.fallback: Mode | None = None
        self._setpoint: Setpoint | None = None
        self._setpoint_time = -math.inf
        self._armed_at = self._landed_at = self._lifted_at = 0.0
        self._path = _Path(self._home, np.zeros(3))
        self._goal = self._home.copy()
        self._yaw = self._heading
        self._gps_lost: float | None = None  # since when, s
        self._stations: dict[int, float] = {}  # links with a ground station, and when it was heard
        self._sticks = -math.inf  # when a pilot's sticks were heard
        self._rates = {link: dict(DEFAULT_RATES) for link in self._rates}
        self._due = {}
        self._next_heartbeat = 0.0

    def _drag_vehicle(self) -> Vehicle:
        """The vehicle with the drag of its parameters."""
        drag = self._parameters["SIH_KDV"][0] / self._parameters["SIH_MASS"][0]
        response = self.vehicle.response.model_copy(update={"drag": drag})
        return self.vehicle.model_copy(update={"response": response})

    def hover(self, height: float) -> None:
        """Be in the air at once, armed and in hold, ``height`` m above where it stands."""
        place = np.array([*self._body.position[:2], height])
        self._body = Quadrotor(self._drag_vehicle(), place, yaw=self._body.yaw)
        self.armed, self.landed, self._armed_at = True, False, self.time
        self._intended = self._mode = Mode.HOLD
        self._failsafe = False
        self._path, self._goal, self._yaw = _Path(place, np.zeros(3)), place, self._body.yaw

    def reboot(self) -> None:
        """Start anew, as after a power loss; on the ground if it flew."""
        self._home = np.array([*self._body.position[:2], 0.0])
        self._heading = self._body.yaw
        self.reboots += 1
        self._boot(self._wall)

    # --- what is true ---

    @property
    def position(self) -> Floats:
        """True position, ENU m from the local frame's origin."""
        return self._body.position

    @property
    def velocity(self) -> Floats:
        """True velocity, ENU m/s."""
        return self._body.velocity

    @property
    def attitude(self) -> tuple[float, float, float]:
        """True yaw, pitch and roll, rad."""
        return self._body.attitude

    @property
    def mode(self) -> Mode:
        """The flight mode."""
        return self._mode

    @property
    def home(self) -> Floats:
        """Where it returns to, ENU m from the local frame's origin."""
        return self._home

    def geodetic(self, point: Floats) -> tuple[float, float, float]:
        """Latitude and longitude, deg, and altitude, m, of a point, ENU m from the origin."""
        origin = self.origin
        place = geodesy.at(origin.latitude, origin.longitude, float(point[0]), float(point[1]))
        return *place, origin.altitude + float(point[2])

    # --- time ---

    def step(self, time: float) -> None:
        """Go on to a time, s since the simulation began."""
        self._wall = time
        now = time - self._began
        while now - self.time > 1e-9:
            dt = min(STEP, now - self.time)
            self.time += dt
            self._fly(dt)
        super().step(self.time)
        for collaborator in self._collaborators:
            collaborator.step(self.time)
        for link, rates in self._rates.items():
            for name, rate in rates.items():
                key = link, name
                if rate > 0 and self.time >= self._due.get(key, 0.0):
                    self._due[key] = max(self._due.get(key, 0.0) + 1 / rate, self.time)
                    message = self._messages[name]()
                    if message is not None:
                        self._send_to(link, message)

    def meet(self, link: int) -> None:
        """A link begins: it gets the default messages."""
        self._rates.setdefault(link, dict(DEFAULT_RATES))

    # --- flying ---

    def _fly(self, dt: float) -> None:
        self._decide()
        body = self._body
        wind = self._air.step(dt)
        keep = math.exp(-dt / self.noise.bias_time)
        fresh = self.noise.position_bias * math.sqrt(1 - keep * keep)
        self._bias = keep * self._bias + fresh * self._random.standard_normal(3)
        if self._gps_lost is not None and not self.landed:
            self._bias += dt * _DRIFT * np.array([0.3, -0.95, 0.0])
        if not self.armed or self.landed:
            self._ground(dt)
            return
        if self._mode is Mode.OFFBOARD and self._setpoint is not None:
            pass  # the newest is being flown
        else:
            self._automatic(dt)
        body.step(dt, wind, self._bias.tolist())
        rises = self.time - self._lifted_at < _LIFT_OFF
        if body.position[2] <= 0.0 and body.velocity[2] <= 0 and not rises:
            self._touch_down()

    def _ground(self, dt: float) -> None:
        if not self.armed:
            return
        wants_up = (self._mode is Mode.TAKEOFF) or (
            self._mode is Mode.OFFBOARD
            and self._setpoint is not None
            and self._setpoint.position[2] > self._home[2] + 0.3
        )
        if wants_up and self.time - self._armed_at > _LIFT:
            self.landed, self._lifted_at = False, self.time
            self._path = _Path(self._estimate(), np.zeros(3))
            if self._mode is Mode.OFFBOARD and self._setpoint is not None:
                self._body.command(self._setpoint)
        elif (
            self._landed_at < self._armed_at  # it has not flown since
            and self.time - self._armed_at > self._value("COM_DISARM_PRFLT") > 0
        ):
            self._disarm("Disarmed by auto preflight disarming")

    def _touch_down(self) -> None:
        body = self._body
        place = np.array([body.position[0], body.position[1], 0.0])
        self._body = Quadrotor(self._drag_vehicle(), place, yaw=body.yaw)
        self.landed = True
        self._landed_at = self.time + _DETECTED
        self._goal = place

    def _automatic(self, dt: float) -> None:
        position, mode = self._path.position, self._mode
        up, down = self._value("MPC_Z_VEL_MAX_UP"), self._value("MPC_Z_VEL_MAX_DN")
        goal = self._goal
        if mode is Mode.TAKEOFF:
            up = _TAKE_OFF
            if abs(self._estimate()[2] - goal[2]) < _REACHED:
                self._change(Mode.HOLD)
                self._goal = goal
        elif mode in (Mode.LAND, Mode.PRECISION_LAND, Mode.DESCEND):
            goal = np.array([goal[0], goal[1], -5.0])
        elif mode is Mode.RETURN:
            goal = self._homeward()
        if goal[2] < 0:
            down = self._landing_speed(position[2], down)
        self._path.step(goal, (_CRUISE, up, down), dt)
        self._body.command(
            Setpoint(self._path.position, self._path.velocity, self._path.acceleration, self._yaw)
        )

    def _landing_speed(self, height: float, usual: float) -> float:
        """m/s, at a height above the ground, m."""
        if height < _CRAWL_BELOW:
            return _CRAWL
        share = min(max((height - _LAND_LOW) / (_LAND_HIGH - _LAND_LOW), 0.0), 1.0)
        return _LAND_SPEED + share * (usual - _LAND_SPEED)

    @property
    def _away(self) -> float:
        """Distance of its path from home, over ground, m."""
        return float(np.linalg.norm(self._path.position[:2] - self._home[:2]))

    def _homeward(self) -> Floats:
        """PX4's way home: up to RTL_RETURN_ALT (less where home is near: a cone of 45 deg),
        across, and down as soon as it is near."""
        here, home = self._path.position, self._home
        if self._away < _NEAR_HOME:
            return np.array([home[0], home[1], -5.0])
        level = max(here[2], min(self._value("RTL_RETURN_ALT"), self._away))
        if here[2] < level - 0.5:
            return np.array([here[0], here[1], level])
        return np.array([home[0], home[1], level])

    def _decide(self) -> None:
        """Failsafes, and the way back from them."""
        if not self.armed:
            return
        if (
            self.landed
            and self._landed_at > self._armed_at
            and (self.time - self._landed_at > self._value("COM_DISARM_LAND") > 0)
        ):
            self._disarm("Disarmed by landing")
            return
        if self._lost_for > _LOST and self._mode is not Mode.DESCEND and not self.landed:
            self._fail(Mode.DESCEND)
            return
        if self._intended in _MANUAL and not self.landed:
            self._without_sticks(self.time - self._sticks)
        if self._intended is not Mode.OFFBOARD:
            return
        lost = self.time - self._setpoint_time > self._value("COM_OF_LOSS_T")
        if lost and not self._failsafe:
            self._fail(_LOSS_MODES.get(int(self._value("COM_OBL_RC_ACT")), Mode.RETURN))
        elif not lost and self._failsafe and self._mode is not Mode.DESCEND:
            self._failsafe = False
            self._change(self.fallback or Mode.OFFBOARD)

    def _without_sticks(self, gone: float) -> None:
        """In a manual mode: it holds for a while, then returns (NAV_RCL_ACT 2)."""
        if gone > _STICKS_GONE and self.fallback is None:
            self.fall_back(Mode.HOLD)
        elif gone > _STICKS_GONE + self._value("COM_FAIL_ACT_T") and self.fallback is Mode.HOLD:
            self.fall_back(Mode.RETURN)

    def _fail(self, mode: Mode) -> None:
        self._failsafe = True
        self.say(mavlink.MAV_SEVERITY_CRITICAL, "Failsafe activated")
        self._change(max(mode, self.fallback or mode, key=_WORSE.index))

    def fall_back(self, mode: Mode) -> None:
        """A failsafe that lasts until somebody changes the mode, unless a worse one acts.

        Args:
            mode: HOLD (here, and not where it can stop), RETURN or LAND.
        """
        self.fallback = mode
        self.say(mavlink.MAV_SEVERITY_CRITICAL, "Failsafe activated")
        if self._failsafe and _WORSE.index(self._mode) > _WORSE.index(mode):
            return
        self._change(mode)
        if mode is Mode.HOLD:
            self._goal = self._estimate()

    def _change(self, mode: Mode) -> None:
        if mode is self._mode:
            return
        if self._mode is Mode.OFFBOARD or mode is not Mode.OFFBOARD:
            self._path = _Path(self._estimate(), self._body.velocity)
            if self._mode is not Mode.TAKEOFF:
                # Where it can stop.
                v = self._body.velocity
                speed = float(np.linalg.norm(v))
                self._goal = self._estimate() + v * _stopping(speed) / max(speed, 1e-6)
            self._yaw = self._body.yaw
        if mode is Mode.TAKEOFF:
            self._goal = self._body.position + np.array([0, 0, self._value("MIS_TAKEOFF_ALT")])
        self._mode = mode
        if mode is Mode.OFFBOARD and self._setpoint is not None:
            self._body.command(self._setpoint)

    def _disarm(self, words: str) -> None:
        self.armed = False
        self.say(mavlink.MAV_SEVERITY_INFO, words)
        if not self.landed:
            self._touch_down()
        self._home = self._body.position.copy()
        self._intended = self._mode = Mode.HOLD
        self._failsafe, self.fallback = False, None

    def say(self, severity: int, words: str) -> None:
        """A STATUSTEXT to every link with a ground station: PX4 sends it to no other."""
        for link, heard in self._stations.items():
            if self.time - heard < _STATION:
                self._send_to(link, mavlink.MAVLink_statustext_message(severity, words.encode()))

    # --- what it is told ---

    def receive(self, message: Any) -> None:
        """Take in a message."""
        if not self.is_for_me(message):
            return
        kind = message.get_type()
        for collaborator in self._collaborators:
            result = collaborator.handle(message)
            if result is not None:
                if kind in ("COMMAND_LONG", "COMMAND_INT"):
                    self.answer(message, result)
                return
        match kind:
            case "HEARTBEAT":
                if message.type == mavlink.MAV_TYPE_GCS:
                    self._stations[self.via] = self.time
            case "MANUAL_CONTROL":
                self._sticks = self.time
            case "SET_POSITION_TARGET_LOCAL_NED":
                self._take_setpoint(message)
            case "PARAM_REQUEST_READ":
                self._read_parameter(message)
            case "PARAM_REQUEST_LIST":
                for name in self._parameters:
                    self._tell_parameter(name)
            case "PARAM_SET":
                self._write_parameter(message)
            case "TIMESYNC":
                if message.tc1 == 0:
                    answer = mavlink.MAVLink_timesync_message(int(self.time * 1e9), message.ts1)
                    self._send_to(self.via, answer)
            case _:
                super().receive(message)

    def _take_setpoint(self, message: Any) -> None:
        mask = message.type_mask
        if mask & mavlink.POSITION_TARGET_TYPEMASK_FORCE_SET:
            return
        if message.coordinate_frame != mavlink.MAV_FRAME_LOCAL_NED:
            return

        def vector(values: tuple[float, float, float], bits: int) -> Floats:
            given = np.array(values, dtype=float)
            for i in range(3):
                if mask >> (bits + i) & 1:
                    given[i] = np.nan
            return frames.enu_from_ned(given)

        position = vector((message.x, message.y, message.z), 0)
        velocity = vector((message.vx, message.vy, message.vz), 3)
        acceleration = vector((message.afx, message.afy, message.afz), 6)
        if np.isnan(position).any() and np.isnan(velocity).any() and np.isnan(acceleration).any():
            return  # nothing to fly by
        # Where no position is given, none is held.
        position = np.where(np.isnan(position), self._estimate(), position)
        yaw = math.nan if mask & 1 << 10 else message.yaw
        rate = 0.0 if mask & 1 << 11 else -message.yaw_rate
        heading = self._body.yaw if math.isnan(yaw) else float(frames.yaw_enu_from_ned(yaw))
        self._setpoint = Setpoint(
            position, velocity, acceleration, heading, 0.0 if math.isnan(rate) else rate
        )
        self._setpoint_time = self.time
        if self._mode is Mode.OFFBOARD and self.armed and not self.landed:
            self._body.command(self._setpoint)

    def _arm_disarm(self, message: Any) -> int:
        if message.param1 >= 0.5:
            if self.armed:
                return int(mavlink.MAV_RESULT_ACCEPTED)
            if self.time < _READY or self._gps_lost is not None:
                self.say(
                    mavlink.MAV_SEVERITY_CRITICAL,
                    "Arming denied: Resolve system health failures first",
                )
                return int(mavlink.MAV_RESULT_TEMPORARILY_REJECTED)
            self.armed = True
            self._armed_at = self.time
            self._home = self._body.position.copy()
            self.say(mavlink.MAV_SEVERITY_INFO, "Armed by external command")
            if self._mode is Mode.TAKEOFF:
                self._goal = self._home + np.array([0, 0, self._value("MIS_TAKEOFF_ALT")])
            return int(mavlink.MAV_RESULT_ACCEPTED)
        down = self.landed and self.time >= self._landed_at
        if not down and message.param2 != 21196:  # PX4's word for "even in the air"
            self.say(mavlink.MAV_SEVERITY_CRITICAL, "Disarming denied: not landed")
            return int(mavlink.MAV_RESULT_TEMPORARILY_REJECTED)
        if self.armed:
            self._disarm("Disarmed by external command")
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _set_mode(self, message: Any) -> int:
        if not int(message.param1) & mavlink.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED:
            return int(mavlink.MAV_RESULT_TEMPORARILY_REJECTED)
        return self._go(mode_of(int(message.param2) << 16 | int(message.param3) << 24))

    def _go(self, mode: Mode) -> int:
        """What somebody wants. On the ground it takes every mode but READY and DESCEND; in the air
        those that it can fly."""
        flies = self.armed and not self.landed
        streamed = self.time - self._setpoint_time <= self._value("COM_OF_LOSS_T")
        steered = self.time - self._sticks <= _STICKS
        if (
            mode in (Mode.UNKNOWN, Mode.READY, Mode.DESCEND)
            or (flies and mode is Mode.MISSION)
            or (flies and mode in _MANUAL and not steered)
            or (flies and mode is Mode.OFFBOARD and not streamed)
        ):
            return int(mavlink.MAV_RESULT_TEMPORARILY_REJECTED)
        self._intended = mode
        self._failsafe, self.fallback = False, None
        # A pilot's sticks, once they have been let go, hold it where it is.
        self._change(mode)
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _set_interval(self, message: Any) -> int:
        number, interval = int(message.param1), message.param2
        for name in self._messages:
            if getattr(mavlink, f"MAVLINK_MSG_ID_{name}") == number:
                rates = self._rates.setdefault(self.via, dict(DEFAULT_RATES))
                if interval == 0:
                    rates[name] = DEFAULT_RATES.get(name, 0.0)
                else:
                    rates[name] = 0.0 if interval < 0 else 1e6 / interval
                self._due.pop((self.via, name), None)
                return int(mavlink.MAV_RESULT_ACCEPTED)
        return int(mavlink.MAV_RESULT_FAILED)

    def _request(self, message: Any) -> int:
        result = super()._request(message)
        unknown = result == mavlink.MAV_RESULT_UNSUPPORTED
        return int(mavlink.MAV_RESULT_DENIED) if unknown else result

    def _reboot_ordered(self, message: Any) -> int:
        if int(message.param1) != 1 or self.armed:
            return int(mavlink.MAV_RESULT_DENIED)
        self.answer(message, mavlink.MAV_RESULT_ACCEPTED)
        self.reboot()
        return int(mavlink.MAV_RESULT_ACCEPTED)

    def _inject(self, message: Any) -> int:
        if not self._value("SYS_FAILURE_EN"):
            return int(mavlink.MAV_RESULT_UNSUPPORTED)
        if int(message.param1) != _GPS:
            return int(mavlink.MAV_RESULT_UNSUPPORTED)
        if int(message.param2) == _OK:
            self._gps_lost = None
        elif self._gps_lost is None:
            self._gps_lost = self.time
        return int(mavlink.MAV_RESULT_ACCEPTED)

    @property
    def _lost_for(self) -> float:
        """Time without satellites, s."""
        return 0.0 if self._gps_lost is None else self.time - self._gps_lost

    # --- parameters ---

    def _value(self, name: str) -> float:
        return self._parameters[name][0]

    def parameter(self, name: str) -> float:
        """A parameter's value."""
        return self._value(name)

    def set_parameter(self, name: str, value: float) -> None:
        """Set a parameter, as a client would."""
        self._parameters[name] = (value, self._parameters[name][1])
        if name in ("SIH_KDV", "SIH_MASS"):
            self._body.drag = self._drag_vehicle().response.drag

    def _read_parameter(self, message: Any) -> None:
        names = list(self._parameters)
        name = message.param_id
        if message.param_index >= 0:
            name = names[message.param_index] if message.param_index < len(names) else ""
        if name in self._parameters:
            self._tell_parameter(name)
        else:
            self._no_parameter(message, mavlink.MAV_PARAM_ERROR_DOES_NOT_EXIST)

    def _no_parameter(self, message: Any, why: int) -> None:
        who = message.get_srcSystem(), message.get_srcComponent()
        index = getattr(message, "param_index", -1)
        error = mavlink.MAVLink_param_error_message(*who, message.param_id.encode(), index, why)
        self._send_to(self.via, error)

    def _tell_parameter(self, name: str) -> None:
        value, kind = self._parameters[name]
        self.send(
            mavlink.MAVLink_param_value_message(
                name.encode(),
                encode_parameter(value, kind),
                kind,
                len(self._parameters),
                list(self._parameters).index(name),
            )
        )

    def _write_parameter(self, message: Any) -> None:
        name = message.param_id
        if name not in self._parameters:
            self._no_parameter(message, mavlink.MAV_PARAM_ERROR_DOES_NOT_EXIST)
            return
        value, kind = decode_parameter(message), self._parameters[name][1]
        if message.param_type != kind:
            self._no_parameter(message, _TYPE_MISMATCH)
            return
        if math.isfinite(value):
            self.set_parameter(name, value)
        self._tell_parameter(name)

    # --- what it tells ---

    def heartbeat(self) -> Any:
        """HEARTBEAT with mode and arming."""
        base = mavlink.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED
        if self.armed:
            base |= mavlink.MAV_MODE_FLAG_SAFETY_ARMED
        if self._mode in _MANUAL:
            base |= mavlink.MAV_MODE_FLAG_MANUAL_INPUT_ENABLED
        elif self._mode not in (Mode.OFFBOARD, Mode.FOLLOW_ME):
            base |= mavlink.MAV_MODE_FLAG_AUTO_ENABLED | mavlink.MAV_MODE_FLAG_GUIDED_ENABLED
        if self._mode is not Mode.ACRO:
            base |= mavlink.MAV_MODE_FLAG_STABILIZE_ENABLED
        return mavlink.MAVLink_heartbeat_message(
            self.kind, mavlink.MAV_AUTOPILOT_PX4, base, self._mode.custom, self._state(), 3
        )

    def _state(self) -> int:
        """MAV_STATE: on the ground, whether it could be armed in this mode."""
        if self.armed:
            fails = self._failsafe or self.fallback is not None
            return int(mavlink.MAV_STATE_CRITICAL if fails else mavlink.MAV_STATE_ACTIVE)
        ready = self.time >= _READY and self._gps_lost is None
        can = self._mode in (Mode.HOLD, Mode.TAKEOFF)
        return int(mavlink.MAV_STATE_STANDBY if ready and can else mavlink.MAV_STATE_UNINIT)

    def _estimate(self) -> Floats:
        return self._body.position + self._bias

    def _unix_us(self) -> int:
        return EPOCH + int(self.time * 1e6)

    def _landed_state(self) -> int:
        if self.landed and self.armed and self._landed_at < self._armed_at:
            ramps = self.time - self._armed_at > _RAMP
            if self._mode is Mode.TAKEOFF and ramps:
                return int(mavlink.MAV_LANDED_STATE_TAKEOFF)
            if self._mode is Mode.OFFBOARD and ramps:
                return int(mavlink.MAV_LANDED_STATE_IN_AIR)
        if self.landed and self.time >= self._landed_at:
            return int(mavlink.MAV_LANDED_STATE_ON_GROUND)
        if self._mode is Mode.TAKEOFF:
            return int(mavlink.MAV_LANDED_STATE_TAKEOFF)
        if self._mode in (Mode.LAND, Mode.PRECISION_LAND) or (
            self._mode is Mode.RETURN and self._away < _NEAR_HOME
        ):
            return int(mavlink.MAV_LANDED_STATE_LANDING)
        return int(mavlink.MAV_LANDED_STATE_IN_AIR)

    def _local_position(self) -> Any:
        noise = self._random.standard_normal(6)
        p = frames.ned_from_enu(self._estimate() + self.noise.position * noise[:3])
        v = frames.ned_from_enu(self._body.velocity + self.noise.velocity * noise[3:])
        return mavlink.MAVLink_local_position_ned_message(self.boot_ms, *p.tolist(), *v.tolist())

    def _angles(self) -> tuple[float, float, float]:
        yaw, pitch, roll = self._body.attitude
        noise = self.noise.attitude * self._random.standard_normal(3)
        north = float(frames.yaw_ned_from_enu(yaw + noise[0]))
        return roll + noise[2], pitch + noise[1], north

    def _attitude_message(self) -> Any:
        roll, pitch, yaw = self._angles()
        return mavlink.MAVLink_attitude_message(
            self.boot_ms, roll, pitch, yaw, 0.0, 0.0, -self._body.yaw_rate
        )

    def _attitude_quaternion(self) -> Any:
        roll, pitch, yaw = (a / 2 for a in self._angles())
        cr, sr, cp, sp = math.cos(roll), math.sin(roll), math.cos(pitch), math.sin(pitch)
        cy, sy = math.cos(yaw), math.sin(yaw)
        return mavlink.MAVLink_attitude_quaternion_message(
            self.boot_ms,
            cr * cp * cy + sr * sp * sy,
            sr * cp * cy - cr * sp * sy,
            cr * sp * cy + sr * cp * sy,
            cr * cp * sy - sr * sp * cy,
            0.0,
            0.0,
            -self._body.yaw_rate,
        )

    def _estimator_status(self) -> Any:
        flags = _KNOWN
        if self.time < _SETTLED or self._lost_for > _DRIFTED:
            flags = _NO_SPEED
        elif self._lost_for > _LOST:
            flags = _NO_PLACE
        if self.landed:
            flags |= _AT_REST
        return mavlink.MAVLink_estimator_status_message(
            int(self.time * 1e6), flags, 0.1, 0.1, 0.1, 0.1, 0.0, 0.0, 0.1, 0.1
        )

    def place(self) -> tuple[float, float, float]:
        """Latitude and longitude, deg, and altitude, m."""
        return self.geodetic(self._estimate())

    def _degrees(self) -> tuple[int, int, float]:
        latitude, longitude, altitude = self.place()
        return round(latitude * 1e7), round(longitude * 1e7), altitude

    def _global_position(self) -> Any:
        latitude, longitude, altitude = self._degrees()
        v = frames.ned_from_enu(self._body.velocity) * 100
        heading = math.degrees(float(frames.yaw_ned_from_enu(self._body.yaw))) % 360
        return mavlink.MAVLink_global_position_int_message(
            self.boot_ms,
            latitude,
            longitude,
            round(altitude * 1e3),
            round((self._estimate()[2] - self._home[2]) * 1e3),
            *(round(x) for x in v.tolist()),
            round(heading * 100) % 36000,
        )

    def _gps(self) -> Any:
        latitude, longitude, altitude = self._degrees()
        fix = (
            mavlink.GPS_FIX_TYPE_NO_FIX
            if self._gps_lost is not None
            else mavlink.GPS_FIX_TYPE_3D_FIX
        )
        return mavlink.MAVLink_gps_raw_int_message(
            int(self.time * 1e6), fix, latitude, longitude, round(altitude * 1e3), 70, 110,
            0, 65535, 0 if self._gps_lost is not None else 16,
        )  # fmt: skip

    def _sys_status(self) -> Any:
        sensors = _SENSORS | mavlink.MAV_SYS_STATUS_SENSOR_GPS
        health = _SENSORS | mavlink.MAV_SYS_STATUS_AHRS
        if self._gps_lost is None:
            health |= mavlink.MAV_SYS_STATUS_SENSOR_GPS
            if self.time >= _READY:
                health |= mavlink.MAV_SYS_STATUS_PREARM_CHECK
        return mavlink.MAVLink_sys_status_message(
            sensors, sensors, health, 200, 16200, -1, 100, 0, 0, 0, 0, 0, 0
        )

    def _battery_status(self) -> Any:
        return mavlink.MAVLink_battery_status_message(
            0, 0, 0, 32767, [4050] * 4 + [65535] * 6, -1, -1, -1, 100
        )

    def _home_position(self) -> Any:
        latitude, longitude, altitude = self.geodetic(self._home)
        return mavlink.MAVLink_home_position_message(
            round(latitude * 1e7),
            round(longitude * 1e7),
            round(altitude * 1e3),
            *frames.ned_from_enu(self._home).tolist(),
            [1.0, 0.0, 0.0, 0.0],
            0.0,
            0.0,
            0.0,
        )

    def _global_origin(self) -> Any:
        origin = self.origin
        return mavlink.MAVLink_gps_global_origin_message(
            round(origin.latitude * 1e7),
            round(origin.longitude * 1e7),
            round(origin.altitude * 1e3),
            int(self.time * 1e6),
        )

    def _target_message(self) -> Any:
        if self._mode is Mode.OFFBOARD and self._setpoint is not None:
            p, v, a, yaw = (
                self._setpoint.position,
                self._setpoint.velocity,
                self._setpoint.acceleration,
                self._setpoint.yaw,
            )
        else:
            p, v, a, yaw = (
                self._path.position,
                self._path.velocity,
                self._path.acceleration,
                self._yaw,
            )
        values = [*frames.ned_from_enu(p), *frames.ned_from_enu(v), *frames.ned_from_enu(a)]
        return mavlink.MAVLink_position_target_local_ned_message(
            self.boot_ms,
            mavlink.MAV_FRAME_LOCAL_NED,
            0,
            *(float(x) for x in values),
            float(frames.yaw_ned_from_enu(yaw)),
            0.0,
        )

    def _version(self) -> Any:
        capabilities = (
            mavlink.MAV_PROTOCOL_CAPABILITY_PARAM_FLOAT
            | mavlink.MAV_PROTOCOL_CAPABILITY_PARAM_ENCODE_BYTEWISE
            | mavlink.MAV_PROTOCOL_CAPABILITY_COMMAND_INT
            | mavlink.MAV_PROTOCOL_CAPABILITY_SET_POSITION_TARGET_LOCAL_NED
            | mavlink.MAV_PROTOCOL_CAPABILITY_MISSION_INT
            | mavlink.MAV_PROTOCOL_CAPABILITY_MISSION_FENCE
            | mavlink.MAV_PROTOCOL_CAPABILITY_MAVLINK2
        )
        return mavlink.MAVLink_autopilot_version_message(
            capabilities, VERSION, VERSION, VERSION, 1, [0] * 8, [0] * 8, [0] * 8, 0, 0,
            self.system,
        )  # fmt: skip
