"""The simulated autopilot's fence: takes areas by the mission protocol, watches whether the vehicle
is inside, and acts as PX4 does when it is not.

Sources: MAVLink's mission protocol; PX4's ``mavlink_mission.cpp``, ``geofence.cpp`` and
``failsafe.cpp`` (2026), and measurements of it: all areas must hold, an area that does not contain
home is dropped after it was acknowledged, the check comes five times a second, and what GF_ACTION
makes of a breach lasts until somebody changes the mode.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from cinempc.mavlink import geodesy
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.px4 import Mode
from sim.mavlink.autopilot.autopilot import SimAutopilot

#: Items that are kept at most.
MOST_ITEMS = 64
#: Time after which an item is asked for again, and after which the transfer is given up, s.
_AGAIN, _GIVE_UP = 0.25, 5.0
#: Time between two looks at the fence, s.
_PERIOD = 0.2
#: PX4's GF_ACTION: what is done about a breach. 0 does nothing, 1 only says it.
_ACTIONS = {2: Mode.HOLD, 3: Mode.RETURN, 5: Mode.LAND}

_FENCE, _ALL = mavlink.MAV_MISSION_TYPE_FENCE, mavlink.MAV_MISSION_TYPE_ALL
_CIRCLES = {
    mavlink.MAV_CMD_NAV_FENCE_CIRCLE_INCLUSION: True,
    mavlink.MAV_CMD_NAV_FENCE_CIRCLE_EXCLUSION: False,
}
_POLYGONS = {
    mavlink.MAV_CMD_NAV_FENCE_POLYGON_VERTEX_INCLUSION: True,
    mavlink.MAV_CMD_NAV_FENCE_POLYGON_VERTEX_EXCLUSION: False,
}
_FRAMES = (
    mavlink.MAV_FRAME_GLOBAL,
    mavlink.MAV_FRAME_GLOBAL_RELATIVE_ALT,
    mavlink.MAV_FRAME_GLOBAL_INT,
    mavlink.MAV_FRAME_GLOBAL_RELATIVE_ALT_INT,
)
#: Commands without a place that PX4 knows, and takes among fence items without a word.
_PASSED = (mavlink.MAV_CMD_NAV_FENCE_RETURN_POINT, mavlink.MAV_CMD_NAV_WAYPOINT)

Place = tuple[float, float]  #: Latitude, longitude, deg.


@dataclass(frozen=True)
class _Item:
    frame: int
    command: int
    param: float
    place: Place
    altitude: float


@dataclass(frozen=True)
class Area:
    """A part of the fence: a circle around its only point, or a polygon.

    ``inclusive`` areas are not to be left, the others not to be entered.
    """

    inclusive: bool
    points: tuple[Place, ...]
    radius: float | None

    def keeps(self, place: Place) -> bool:
        """Whether who is in a place keeps to it."""
        inside = self._within(place) if self.radius is None else self._in_circle(place, self.radius)
        return inside == self.inclusive

    def _in_circle(self, place: Place, radius: float) -> bool:
        return math.hypot(*geodesy.offset(*self.points[0], *place)) < abs(radius)

    def _within(self, place: Place) -> bool:
        corners = [geodesy.offset(*place, *point) for point in self.points]  # m from the place
        # Too few corners, or one that is nowhere, make no area.
        if len(corners) < 3 or not np.isfinite(corners).all():
            return False
        return bool(shapely.contains_xy(shapely.Polygon(corners), 0.0, 0.0))


@dataclass
class _Transfer:
    """Items on their way between us and somebody."""

    partner: tuple[int, int]
    receiving: bool
    count: int
    items: list[_Item]
    asked: float  # when we spoke last and wait for an answer; infinite where they ask
    heard: float


class FenceKeeper:
    """What an autopilot does about its fence; a collaborator of `SimAutopilot`.

    Attributes:
        areas: that are kept.
        outside: whether the vehicle is outside at the moment.
    """

    def __init__(self, autopilot: SimAutopilot) -> None:
        self._autopilot = autopilot
        self._items: list[_Item] = []
        self.areas: list[Area] = []
        self.outside = False
        self._transfer: _Transfer | None = None
        self._next_look = 0.0
        self._then: tuple[Mode, float] | None = None  # what follows the hold, and when
        self.time = 0.0

    # --- the mission protocol ---

    def handle(self, message: Any) -> int | None:
        """Take in a message; 0 if it was for the fence."""
        kind = message.get_type()
        if not kind.startswith("MISSION_"):
            return None
        partner = message.get_srcSystem(), message.get_srcComponent()
        match kind:
            case "MISSION_COUNT":
                self._begin(message, partner)
            case "MISSION_ITEM_INT" | "MISSION_ITEM":
                self._receive(message, partner)
            case "MISSION_REQUEST_LIST":
                self._list(message, partner)
            case "MISSION_REQUEST_INT" | "MISSION_REQUEST":
                self._send_item(message, partner)
            case "MISSION_ACK":
                self._acknowledged(message, partner)
            case "MISSION_CLEAR_ALL":
                self._clear(message, partner)
            case _:
                return None
        return 0

    def _begin(self, message: Any, partner: tuple[int, int]) -> None:
        """Somebody is about to send items."""
        if message.mission_type != _FENCE:
            # It flies no missions and has no rally points.
            self._answer(partner, mavlink.MAV_MISSION_UNSUPPORTED, message.mission_type)
            return
        running = self._transfer
        if running is not None and (running.partner != partner or not running.receiving):
            self._answer(partner, mavlink.MAV_MISSION_ERROR)
            return
        if running is not None and running.items:
            self._answer(partner, mavlink.MAV_MISSION_ERROR)
            return
        if message.count > MOST_ITEMS:
            self._answer(partner, mavlink.MAV_MISSION_NO_SPACE)
            return
        if message.count == 0:
            self._keep([])
            self._answer(partner, mavlink.MAV_MISSION_ACCEPTED)
            return
        self._transfer = _Transfer(partner, True, message.count, [], self.time, self.time)
        self._ask()

    def _ask(self) -> None:
        transfer = self._transfer
        assert transfer is not None
        transfer.asked = self.time
        self._autopilot.send(
            mavlink.MAVLink_mission_request_int_message(
                *transfer.partner, len(transfer.items), _FENCE
            )
        )

    def _receive(self, message: Any, partner: tuple[int, int]) -> None:
        transfer = self._transfer
        if transfer is None or not transfer.receiving or transfer.partner != partner:
            # The last one again: its sender has not got the acknowledgement.
            again = transfer is None and message.seq + 1 == len(self._items) > 0
            self._answer(
                partner, mavlink.MAV_MISSION_ACCEPTED if again else mavlink.MAV_MISSION_ERROR
            )
            return
        if message.mission_type != _FENCE:
            self._answer(partner, mavlink.MAV_MISSION_ERROR)
            return
        transfer.heard = self.time
        if message.seq != len(transfer.items):
            return
        scale = 1e-7 if message.get_type() == "MISSION_ITEM_INT" else 1.0
        item = _Item(
            message.frame,
            message.command,
            message.param1,
            (message.x * scale, message.y * scale),
            message.z,
        )
        wrong = _wrong(item)
        if wrong is not None:
            self._transfer = None
            self._answer(partner, wrong)
            return
        transfer.items.append(item)
        if len(transfer.items) < transfer.count:
            self._ask()
            return
        self._transfer = None
        self._keep(transfer.items)
        self._answer(partner, mavlink.MAV_MISSION_ACCEPTED)

    def _list(self, message: Any, partner: tuple[int, int]) -> None:
        """Somebody wants to know the items."""
        kind = message.mission_type
        if kind != _FENCE:
            self._autopilot.send(mavlink.MAVLink_mission_count_message(*partner, 0, kind))
            return
        running = self._transfer
        if running is not None and (running.partner != partner or running.receiving):
            self._answer(partner, mavlink.MAV_MISSION_ERROR)
            return
        # Also without any items it waits until it has been told that they have arrived.
        self._transfer = _Transfer(partner, False, len(self._items), [], self.time, self.time)
        self._tell_count()

    def _tell_count(self) -> None:
        transfer = self._transfer
        assert transfer is not None
        transfer.asked = self.time
        self._autopilot.send(
            mavlink.MAVLink_mission_count_message(*transfer.partner, transfer.count, _FENCE)
        )

    def _send_item(self, message: Any, partner: tuple[int, int]) -> None:
        transfer = self._transfer
        if transfer is None or transfer.receiving or transfer.partner != partner:
            return
        if message.mission_type != _FENCE:
            return
        transfer.heard, transfer.asked = self.time, math.inf
        if not 0 <= message.seq < len(self._items):
            self._transfer = None
            self._answer(partner, mavlink.MAV_MISSION_ERROR)
            return
        item = self._items[message.seq]
        latitude, longitude = item.place
        whole = message.get_type() == "MISSION_REQUEST_INT"
        make = mavlink.MAVLink_mission_item_message
        if whole:
            make = mavlink.MAVLink_mission_item_int_message
            latitude, longitude = round(latitude * 1e7), round(longitude * 1e7)
        self._autopilot.send(
            make(
                *partner, message.seq, item.frame, item.command, 0, 0, item.param, 0.0, 0.0, 0.0,
                latitude, longitude, item.altitude, _FENCE,
            )
        )  # fmt: skip

    def _acknowledged(self, message: Any, partner: tuple[int, int]) -> None:
        """They have all, or want no more."""
        transfer = self._transfer
        cancelled = message.type == mavlink.MAV_MISSION_OPERATION_CANCELLED
        if transfer is None or transfer.partner != partner:
            return
        if cancelled or not transfer.receiving:
            self._transfer = None

    def _clear(self, message: Any, partner: tuple[int, int]) -> None:
        if self._transfer is not None:
            return
        if message.mission_type in (_FENCE, _ALL):
            self._keep([])
        self._answer(partner, mavlink.MAV_MISSION_ACCEPTED, message.mission_type)

    def _answer(self, partner: tuple[int, int], result: int, kind: int = _FENCE) -> None:
        self._autopilot.send(mavlink.MAVLink_mission_ack_message(*partner, result, kind))

    # --- the fence ---

    def _keep(self, items: list[_Item]) -> None:
        """Items in place of those that were; areas that the vehicle would be outside of at once
        are dropped."""
        autopilot = self._autopilot
        self._items, self.areas = items, []
        flies = autopilot.armed and not autopilot.landed and autopilot.parameter("GF_ACTION") != 0
        for area in _areas(items):
            if not area.keeps(autopilot.geodetic(autopilot.home)[:2]):
                autopilot.say(
                    mavlink.MAV_SEVERITY_CRITICAL, "Geofence invalid, doesn't contain Home position"
                )
            elif flies and not area.keeps(autopilot.place()[:2]):
                autopilot.say(
                    mavlink.MAV_SEVERITY_CRITICAL,
                    "Geofence invalid, doesn't contain current vehicle position",
                )
            else:
                self.areas.append(area)

    def breaches(self) -> list[str]:
        """What of the fence the vehicle does not keep to, in PX4's words."""
        autopilot = self._autopilot
        latitude, longitude, altitude = autopilot.place()
        *home, ground = autopilot.geodetic(autopilot.home)
        breaches = []
        far, high = autopilot.parameter("GF_MAX_HOR_DIST"), autopilot.parameter("GF_MAX_VER_DIST")
        if 0 < far <= math.hypot(*geodesy.offset(home[0], home[1], latitude, longitude)):
            breaches.append("Geofence: exceeding maximum distance to Home")
        if 0 < high <= altitude - ground:
            breaches.append("Geofence: exceeding maximum altitude above Home")
        if not all(area.keeps((latitude, longitude)) for area in self.areas):
            breaches.append("Geofence: approaching or outside geofence")
        return breaches

    def step(self, time: float) -> None:
        """Go on to a time, s since boot."""
        if time < self.time:  # a reboot; the fence is kept in the autopilot's memory
            self._transfer, self._then, self.outside = None, None, False
            self._next_look = 0.0
        self.time = time
        self._wait()
        autopilot = self._autopilot
        if self._then is not None:
            mode, when = self._then
            if autopilot.fallback is None:
                self._then = None  # somebody has taken over
            elif time >= when:
                self._then = None
                autopilot.fall_back(mode)
        if time >= self._next_look:
            self._next_look = time + _PERIOD
            self._look()

    def _wait(self) -> None:
        """For a partner who does not answer."""
        transfer = self._transfer
        if transfer is None:
            return
        if self.time - transfer.heard > _GIVE_UP:
            self._transfer = None
            self._autopilot.say(mavlink.MAV_SEVERITY_CRITICAL, "Mission sync timeout")
        elif self.time - transfer.asked > _AGAIN:
            self._ask() if transfer.receiving else self._tell_count()

    def _look(self) -> None:
        autopilot = self._autopilot
        action = int(autopilot.parameter("GF_ACTION"))
        if autopilot.fallback is Mode.HOLD and autopilot.mode is Mode.HOLD:
            return  # who drifts back in while it holds is still held
        breaches = self.breaches() if autopilot.armed and action != 0 else []
        before, self.outside = self.outside, bool(breaches)
        if before or not breaches:
            return
        for words in breaches:
            autopilot.say(mavlink.MAV_SEVERITY_CRITICAL, words)
        mode = _ACTIONS.get(action)
        if mode is None:
            return
        patience = autopilot.parameter("COM_FAIL_ACT_T")
        if mode is not Mode.HOLD and patience > 0:
            self._then = mode, self.time + patience
            mode = Mode.HOLD
        autopilot.fall_back(mode)


def _wrong(item: _Item) -> int | None:
    """Why an item cannot be kept: MAV_MISSION_RESULT; None for one that can."""
    if item.frame not in _FRAMES:
        return int(mavlink.MAV_MISSION_UNSUPPORTED_FRAME)
    if item.command in _POLYGONS:
        return None if 2.5 <= item.param <= MOST_ITEMS else int(mavlink.MAV_MISSION_ERROR)
    if item.command in _CIRCLES or item.command in _PASSED:
        return None
    return int(mavlink.MAV_MISSION_UNSUPPORTED)


def _areas(items: list[_Item]) -> list[Area]:
    areas: list[Area] = []
    rest = list(items)
    while rest:
        first = rest[0]
        if first.command in _CIRCLES:
            areas.append(Area(_CIRCLES[first.command], (first.place,), first.param))
            rest = rest[1:]
        elif first.command in _POLYGONS:
            count = round(first.param)
            corners = tuple(item.place for item in rest[:count])
            areas.append(Area(_POLYGONS[first.command], corners, None))
            rest = rest[count:]
        else:
            rest = rest[1:]
    return areas
