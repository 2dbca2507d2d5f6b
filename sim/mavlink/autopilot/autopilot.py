"""An autopilot that behaves as PX4 does, as measured on PX4: modes, arming, offboard and its
time-out, failsafes, parameters, message rates. It flies `sim.body.vehicle.Quadrotor`.

This is its side of the messages; how it flies is in `sim.mavlink.autopilot.flight`. The conformance
suite in ``tests/flight/`` runs against it and against real PX4; where the two differ, this is
wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.px4 import Mode, mode_of
from cinempc.rig.vehicle import Setpoint, Vehicle
from sim.embedded import SensorNoise
from sim.mavlink.autopilot import modes
from sim.mavlink.autopilot.flight import Flight
from sim.mavlink.autopilot.parameters import Parameters
from sim.mavlink.autopilot.reference import Geodetic, Reference
from sim.mavlink.autopilot.reports import REPORTS, Schedule, Snapshot
from sim.mavlink.component import Component, Send
from sim.scenery.scene import Wind

Floats = NDArray[np.float64]

#: Time, s, for which a ground station is taken to be there when it was heard.
_STATION = 2.5
#: MAV_CMD_INJECT_FAILURE's unit and types (FAILURE_UNIT_SENSOR_GPS, FAILURE_TYPE_*).
_INJECT, _GPS, _OK = 420, 4, 0
#: What MAV_CMD_COMPONENT_ARM_DISARM calls "even in the air".
_FORCE = 21196


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
        origin: of the local frame on the earth, at first.

    Attributes:
        reference: what its estimator counts from.
        battery: what is left of it, from 0 to 1; it empties by nothing but being set.
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
        self.reference = Reference(self.origin, self.origin)
        self.battery = 1.0
        self._send_to = send_to
        self.via = 0  #: The link that the message being received came over.
        self._wind, self._seed = wind or Wind(), seed
        self._parameters = Parameters(send, lambda message: send_to(self.via, message))
        self.schedule = Schedule()  #: What it sends by itself.
        self._stations: dict[int, float] = {}  # links with a ground station, and when it was heard
        self._collaborators: list[Any] = []
        self.reboots = 0
        self._elapsed = 0.0
        place = np.zeros(3) if position is None else np.asarray(position, dtype=float)
        self._boot(place, heading)
        self.commands |= {
            mavlink.MAV_CMD_COMPONENT_ARM_DISARM: self._arm_disarm,
            mavlink.MAV_CMD_DO_SET_MODE: self._set_mode,
            mavlink.MAV_CMD_NAV_TAKEOFF: lambda m: _granted(self._flight.order(Mode.TAKEOFF)),
            mavlink.MAV_CMD_NAV_LAND: lambda m: _granted(self._flight.order(Mode.LAND)),
            mavlink.MAV_CMD_NAV_RETURN_TO_LAUNCH: lambda m: _granted(
                self._flight.order(Mode.RETURN)
            ),
            mavlink.MAV_CMD_SET_MESSAGE_INTERVAL: self._set_interval,
            mavlink.MAV_CMD_PREFLIGHT_REBOOT_SHUTDOWN: self._reboot_ordered,
            _INJECT: self._inject,
        }
        for name in REPORTS:
            number = getattr(mavlink, f"MAVLINK_MSG_ID_{name}")
            self.requests[number] = self._report(name)

    def _report(self, name: str) -> Callable[[float], Any]:
        return lambda param: REPORTS[name](self._snapshot())

    def add(self, collaborator: Any) -> None:
        """Something that the autopilot does beside, such as a gimbal manager: it has ``handle``
        (a message; its answer to a command, or None) and ``step`` (a time, s)."""
        self._collaborators.append(collaborator)

    # --- starting ---

    def _boot(self, home: Floats, heading: float) -> None:
        self._began = self._elapsed
        self.time = 0.0
        self.reference = Reference(self.origin, self.origin)
        self._flight = Flight(
            self.vehicle,
            self._parameters,
            self._announce,
            home,
            heading,
            self._wind,
            self.noise,
            self._seed,
        )
        self._set_home()
        self._stations = {}
        self.schedule.restart()
        self._next_heartbeat = 0.0

    def hover(self, height: float) -> None:
        """Be in the air at once, armed and in hold, ``height`` m above where it stands."""
        self._flight.hover(height)

    def correct(self, offset: Floats, turn: float = 0.0) -> None:
        """Its estimator begins anew, as after a fault of the GPS or the compass: it has the vehicle
        ``offset`` (3,), ENU m, from where it had it, and its nose turned by rad."""
        self.reference = self.reference.corrected(np.asarray(offset, dtype=float), turn)

    def set_origin(self, origin: Geodetic) -> None:
        """The local frame counts from another place from now on."""
        self.reference = self.reference.moved_to(origin)

    def _set_home(self) -> None:
        """Home is kept as it is told now, as PX4 does."""
        home, reference = self._flight.home, self.reference
        self._home, self._homes = home, (home + reference.local, home + reference.earth)

    def reboot(self) -> None:
        """Start anew, as after a power loss; on the ground if it flew."""
        self.reboots += 1
        body = self._flight.body
        self._boot(np.array([*body.position[:2], 0.0]), body.yaw)

    # --- what is true ---

    @property
    def position(self) -> Floats:
        """True position, ENU m from the local frame's origin."""
        return self._flight.body.position

    @property
    def velocity(self) -> Floats:
        """True velocity, ENU m/s."""
        return self._flight.body.velocity

    @property
    def attitude(self) -> tuple[float, float, float]:
        """True yaw, pitch and roll, rad."""
        return self._flight.body.attitude

    @property
    def armed(self) -> bool:
        """Whether its motors may turn."""
        return self._flight.armed

    @property
    def landed(self) -> bool:
        """Whether it is on the ground."""
        return self._flight.landed

    @property
    def mode(self) -> Mode:
        """The flight mode."""
        return self._flight.mode

    @property
    def fallback(self) -> Mode | None:
        """What something else than the stream's or the position's failsafe makes it do until
        somebody changes the mode; None for nothing."""
        return self._flight.modes.fallback

    def fall_back(self, mode: Mode) -> None:
        """A failsafe that lasts until somebody changes the mode, unless a worse one acts: to HOLD
        (here, and not where it can stop), RETURN or LAND."""
        self._flight.fall_back(mode)

    @property
    def home(self) -> Floats:
        """Where it returns to, ENU m from the local frame's origin."""
        return self._flight.home

    def geodetic(self, point: Floats) -> tuple[float, float, float]:
        """Latitude and longitude, deg, and altitude, m, of a point, ENU m from the origin."""
        return self.origin.at(point)

    def place(self) -> tuple[float, float, float]:
        """Latitude and longitude, deg, and altitude, m, where its estimator has it."""
        return self.geodetic(self._flight.estimate)

    # --- time ---

    def step(self, time: float) -> None:
        """Go on to a time, s since the simulation began."""
        self._elapsed = time
        self._flight.step(time - self._began)
        if self._flight.home is not self._home:
            self._set_home()
        super().step(self._flight.time)
        for collaborator in self._collaborators:
            collaborator.step(self.time)
        for link, name in self.schedule.due(self.time):
            self._send_to(link, REPORTS[name](self._snapshot()))

    def meet(self, link: int) -> None:
        """A link begins: it gets the default messages."""
        self.schedule.meet(link)

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
                self._flight.feel_sticks()
            case "SET_POSITION_TARGET_LOCAL_NED":
                flight = self._flight
                reference = self.reference
                here, heading = flight.estimate + reference.local, flight.body.yaw
                setpoint = setpoint_of(message, here, reference.heading(heading))
                if setpoint is not None:
                    flight.take_setpoint(reference.taken(setpoint))
            case "SET_GPS_GLOBAL_ORIGIN":
                place = message.latitude / 1e7, message.longitude / 1e7, message.altitude / 1e3
                self.set_origin(Geodetic(*place))
            case "PARAM_REQUEST_READ" | "PARAM_REQUEST_LIST" | "PARAM_SET":
                if (name := self._parameters.receive(message)) is not None:
                    self._parameter_set(name)
            case "TIMESYNC":
                if message.tc1 == 0:
                    answer = mavlink.MAVLink_timesync_message(int(self.time * 1e9), message.ts1)
                    self._send_to(self.via, answer)
            case _:
                super().receive(message)

    def _arm_disarm(self, message: Any) -> int:
        if message.param1 >= 0.5:
            return _granted(self._flight.arm())
        return _granted(self._flight.disarm(force=message.param2 == _FORCE))

    def _set_mode(self, message: Any) -> int:
        if not int(message.param1) & mavlink.MAV_MODE_FLAG_CUSTOM_MODE_ENABLED:
            return _granted(False)
        mode = mode_of(int(message.param2) << 16 | int(message.param3) << 24)
        return _granted(self._flight.order(mode))

    def _set_interval(self, message: Any) -> int:
        known = self.schedule.set_interval(self.via, int(message.param1), message.param2)
        return int(mavlink.MAV_RESULT_ACCEPTED if known else mavlink.MAV_RESULT_FAILED)

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
        if not self._parameters["SYS_FAILURE_EN"] or int(message.param1) != _GPS:
            return int(mavlink.MAV_RESULT_UNSUPPORTED)
        self._flight.lose_fix(int(message.param2) != _OK)
        return int(mavlink.MAV_RESULT_ACCEPTED)

    # --- parameters ---

    def parameter(self, name: str) -> float:
        """A parameter's value."""
        return self._parameters[name]

    def set_parameter(self, name: str, value: float) -> None:
        """Set a parameter, as a client would."""
        self._parameters[name] = value
        self._parameter_set(name)

    def _parameter_set(self, name: str) -> None:
        if name in ("SIH_KDV", "SIH_MASS"):
            self._flight.take_drag()

    # --- what it tells ---

    def say(self, severity: int, words: str) -> None:
        """A STATUSTEXT to every link with a ground station: PX4 sends it to no other."""
        for link, heard in self._stations.items():
            if self.time - heard < _STATION:
                self._send_to(link, mavlink.MAVLink_statustext_message(severity, words.encode()))

    def _announce(self, critical: bool, words: str) -> None:
        severity = mavlink.MAV_SEVERITY_CRITICAL if critical else mavlink.MAV_SEVERITY_INFO
        self.say(severity, words)

    def heartbeat(self) -> Any:
        """HEARTBEAT with mode and arming."""
        flight = self._flight
        return mavlink.MAVLink_heartbeat_message(
            self.kind,
            mavlink.MAV_AUTOPILOT_PX4,
            modes.base_mode(flight.mode, flight.armed),
            flight.mode.custom,
            modes.system_state(flight.modes, flight.airframe, flight.ready),
            3,
        )

    def _snapshot(self) -> Snapshot:
        flight = self._flight
        return Snapshot(
            self.system,
            self.time,
            flight.estimate,
            float(flight.body.position[2]),
            flight.body.velocity,
            flight.body.attitude,
            flight.body.yaw_rate,
            self.reference,
            *self._homes,
            flight.landed,
            flight.landed_state,
            flight.no_fix,
            flight.ready,
            flight.target,
            self.battery,
            self.noise,
            flight.random,
        )


def _granted(granted: bool) -> int:
    """MAV_RESULT of an order that is granted, or refused for now."""
    return int(mavlink.MAV_RESULT_ACCEPTED if granted else mavlink.MAV_RESULT_TEMPORARILY_REJECTED)


def setpoint_of(message: Any, position: Floats, heading: float) -> Setpoint | None:
    """The setpoint of SET_POSITION_TARGET_LOCAL_NED; None for one that cannot be flown by.

    Args:
        message: the message.
        position: where the vehicle is, ENU m: where no position is given, none is held.
        heading: of the vehicle, rad: where no yaw is given, it is kept.
    """
    mask = message.type_mask
    if mask & mavlink.POSITION_TARGET_TYPEMASK_FORCE_SET:
        return None
    if message.coordinate_frame != mavlink.MAV_FRAME_LOCAL_NED:
        return None

    def vector(values: tuple[float, float, float], bits: int) -> Floats:
        given = np.array(values, dtype=float)
        for i in range(3):
            if mask >> (bits + i) & 1:
                given[i] = np.nan
        return frames.enu_from_ned(given)

    there = vector((message.x, message.y, message.z), 0)
    velocity = vector((message.vx, message.vy, message.vz), 3)
    acceleration = vector((message.afx, message.afy, message.afz), 6)
    if np.isnan(there).any() and np.isnan(velocity).any() and np.isnan(acceleration).any():
        return None  # nothing to fly by
    there = np.where(np.isnan(there), position, there)
    yaw = math.nan if mask & 1 << 10 else message.yaw
    rate = 0.0 if mask & 1 << 11 else -message.yaw_rate
    aim = heading if math.isnan(yaw) else float(frames.yaw_enu_from_ned(yaw))
    return Setpoint(there, velocity, acceleration, aim, 0.0 if math.isnan(rate) else rate)
