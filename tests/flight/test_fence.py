"""The fence that a vehicle keeps: the mission protocol that it comes by, and what happens to who
leaves it. As measured on PX4; runs unchanged against the simulated vehicle and, where ``PX4_BUILD``
names a build, against real PX4."""

from __future__ import annotations

import asyncio
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cinempc.mavlink import geodesy
from cinempc.mavlink.commands import request
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.px4 import Mode
from cinempc.rig.vehicle import Setpoint
from tests.flight.client import Client, TestVehicle
from tests.flight.steering import Stream, offboard

pytestmark = pytest.mark.slow

FENCE = mavlink.MAV_MISSION_TYPE_FENCE
ACCEPTED, ERROR = mavlink.MAV_MISSION_ACCEPTED, mavlink.MAV_MISSION_ERROR
CIRCLE = mavlink.MAV_CMD_NAV_FENCE_CIRCLE_INCLUSION
KEEP_OUT = mavlink.MAV_CMD_NAV_FENCE_CIRCLE_EXCLUSION
VERTEX = mavlink.MAV_CMD_NAV_FENCE_POLYGON_VERTEX_INCLUSION
HEIGHT = 3.0

Item = tuple[int, float, float, float]  #: Command, first parameter, m east and north of home.


class Mission:
    """The mission protocol, by hand: nothing of ours is in between."""

    def __init__(self, client: Client, home: Any) -> None:
        self.client = client
        self.place = home.latitude / 1e7, home.longitude / 1e7

    def send(self, name: str, *values: Any) -> None:
        target = self.client.target
        make = getattr(mavlink, f"MAVLink_{name}_message")
        self.client.link.send(make(target.system, target.component, *values))

    async def answer(self, names: tuple[str, ...], name: str, *values: Any) -> Any:
        """Send something, and wait for one of these messages."""
        client = self.client

        def ours(message: Any) -> bool:
            return client.target.sent(message) and message.mission_type == FENCE

        waiting = [asyncio.ensure_future(client.link.wait(wanted, ours, 5.0)) for wanted in names]
        await asyncio.sleep(0)
        self.send(name, *values)
        done, rest = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        return done.pop().result()

    def item(self, number: int, item: Item, frame: int = mavlink.MAV_FRAME_GLOBAL_INT) -> tuple:
        command, param, east, north = item
        latitude, longitude = geodesy.at(*self.place, east, north)
        return (
            number, frame, command, 0, 1, param, 0.0, 0.0, 0.0,
            round(latitude * 1e7), round(longitude * 1e7), 0.0, FENCE,
        )  # fmt: skip

    async def begin(self, count: int) -> Any:
        wanted = ("MISSION_REQUEST_INT", "MISSION_REQUEST", "MISSION_ACK")
        return await self.answer(wanted, "mission_count", count, FENCE)

    async def upload(self, *items: Item, frame: int = mavlink.MAV_FRAME_GLOBAL_INT) -> int:
        """MAV_MISSION_RESULT."""
        said = await self.begin(len(items))
        for number, item in enumerate(items):
            assert said.get_type() == "MISSION_REQUEST_INT"
            assert said.seq == number
            last = number + 1 == len(items)
            said = await self.answer(
                ("MISSION_ACK",) if last else ("MISSION_REQUEST_INT", "MISSION_ACK"),
                "mission_item_int",
                *self.item(number, item, frame),
            )
            if said.get_type() == "MISSION_ACK":
                break
        return int(said.type)

    async def download(self) -> list[Item]:
        count = (await self.answer(("MISSION_COUNT",), "mission_request_list", FENCE)).count
        found = []
        for number in range(count):
            item = await self.answer(("MISSION_ITEM_INT",), "mission_request_int", number, FENCE)
            assert item.seq == number
            assert item.frame == mavlink.MAV_FRAME_GLOBAL_INT
            east, north = geodesy.offset(*self.place, item.x / 1e7, item.y / 1e7)
            found.append((item.command, item.param1, east, north))
        self.send("mission_ack", ACCEPTED, FENCE)
        return found

    async def clear(self) -> int:
        """MAV_MISSION_RESULT."""
        said = await self.answer(("MISSION_ACK",), "mission_clear_all", FENCE)
        return int(said.type)


def same(found: list[Item], items: list[Item]) -> bool:
    return len(found) == len(items) and all(
        a[0] == b[0] and np.allclose(a[1:], b[1:], atol=0.05)
        for a, b in zip(found, items, strict=True)
    )


@pytest.fixture
def fenced(vehicle: TestVehicle):
    """Runs a test's coroutine with the protocol; without a fence before and after."""

    async def free(client: Client, mission: Mission) -> None:
        for name, value in (
            ("GF_ACTION", 2), ("GF_MAX_HOR_DIST", 0), ("GF_MAX_VER_DIST", 0), ("COM_FAIL_ACT_T", 2),
            ("COM_OBL_RC_ACT", 5), ("RTL_RETURN_ALT", 10),
            ("COM_OF_LOSS_T", 3),  # a busy machine's pauses are not what is tested
        ):  # fmt: skip
            await client.autopilot.parameter(name, float(value))
        assert await mission.clear() == ACCEPTED

    def run(work):
        async def whole(client: Client) -> Any:
            mission = Mission(client, await request(client.link, client.target, "HOME_POSITION"))
            await free(client, mission)
            try:
                return await work(client, mission)
            finally:
                if client.autopilot.airborne:
                    await client.autopilot.land()
                await free(client, mission)

        return vehicle.run(whole)

    return run


# --- the protocol ---


def test_a_circle_is_taken_and_told(fenced):
    async def work(client: Client, mission: Mission):
        assert await mission.download() == []
        items = [(CIRCLE, 40.0, 0.0, 0.0)]
        assert await mission.upload(*items) == ACCEPTED
        assert same(await mission.download(), items)
        assert await mission.clear() == ACCEPTED
        return await mission.download()

    assert fenced(work) == []


def test_a_polygon_and_a_circle_to_stay_out_of(fenced):
    async def work(client: Client, mission: Mission):
        items = [
            *((VERTEX, 4.0, east, north) for east, north in ((-50, -40), (60, -40), (60, 50))),
            (VERTEX, 4.0, -50.0, 50.0),
            (KEEP_OUT, 5.0, 30.0, 0.0),
        ]
        assert await mission.upload(*items) == ACCEPTED
        assert same(await mission.download(), items)
        # The next replaces it.
        items = [(CIRCLE, 25.0, 1.0, -2.0)]
        assert await mission.upload(*items) == ACCEPTED
        return same(await mission.download(), items)

    assert fenced(work)


def test_what_cannot_be_kept_is_refused_and_the_old_fence_stays(fenced):
    async def work(client: Client, mission: Mission):
        items = [(CIRCLE, 40.0, 0.0, 0.0)]
        await mission.upload(*items)
        results = [
            await mission.upload((VERTEX, 2.0, 0.0, 0.0), (VERTEX, 2.0, 9.0, 0.0)),
            await mission.upload((CIRCLE, 40.0, 0.0, 0.0), frame=mavlink.MAV_FRAME_LOCAL_NED),
            (await mission.begin(1000)).type,
        ]
        assert same(await mission.download(), items)
        return results

    assert fenced(work) == [
        ERROR, mavlink.MAV_MISSION_UNSUPPORTED_FRAME, mavlink.MAV_MISSION_NO_SPACE,
    ]  # fmt: skip


def test_an_item_that_is_lost_is_asked_for_again(fenced):
    async def work(client: Client, mission: Mission):
        asked: list[int] = []
        done = client.link.on("MISSION_REQUEST_INT", lambda m: asked.append(m.seq))
        await mission.begin(1)
        await client.sleep(1.5)  # as if our item were lost
        done()
        said = await mission.answer(
            ("MISSION_ACK",), "mission_item_int", *mission.item(0, (CIRCLE, 40.0, 0.0, 0.0))
        )
        # Our side did not hear that, and sends it once more.
        again = await mission.answer(
            ("MISSION_ACK",), "mission_item_int", *mission.item(0, (CIRCLE, 40.0, 0.0, 0.0))
        )
        return asked, said.type, again.type

    asked, said, again = fenced(work)
    assert set(asked) == {0}
    assert 3 <= len(asked) <= 10  # four a second
    assert (said, again) == (ACCEPTED, ACCEPTED)


def test_a_vehicle_that_has_told_its_items_waits_for_thanks(fenced):
    async def work(client: Client, mission: Mission):
        counts: list[int] = []
        done = client.link.on("MISSION_COUNT", lambda m: counts.append(m.count))
        await mission.answer(("MISSION_COUNT",), "mission_request_list", FENCE)
        await client.sleep(1.5)  # as if its answer were lost
        done()
        busy = await mission.begin(1)  # to somebody who wants to change them
        mission.send("mission_ack", ACCEPTED, FENCE)
        await client.sleep(0.5)
        return counts, (busy.get_type(), busy.type), await mission.upload((CIRCLE, 40.0, 0.0, 0.0))

    counts, busy, then = fenced(work)
    assert set(counts) == {0}
    assert 3 <= len(counts) <= 10  # four a second
    assert busy == ("MISSION_ACK", ERROR)
    assert then == ACCEPTED


def test_a_transfer_that_breaks_off_is_given_up(fenced):
    async def work(client: Client, mission: Mission):
        await mission.upload((CIRCLE, 40.0, 0.0, 0.0))
        await mission.begin(3)
        await client.sleep(6.5)
        return same(await mission.download(), [(CIRCLE, 40.0, 0.0, 0.0)])

    assert fenced(work)


def test_an_item_nobody_asked_for_is_an_error(fenced):
    async def work(client: Client, mission: Mission):
        await mission.upload((CIRCLE, 40.0, 0.0, 0.0))
        said = await mission.answer(
            ("MISSION_ACK",), "mission_item_int", *mission.item(7, (CIRCLE, 40.0, 0.0, 0.0))
        )
        return said.type

    assert fenced(work) == ERROR


# --- who leaves it ---


class Flight:
    """Out to the east at 3 m/s, and what became of it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.modes: list[tuple[Mode, float]] = []
        self.farthest = 0.0
        self.stream: Stream | None = None

    async def begin(self, up: bool = False) -> None:
        """Take off, and fly east, or up."""
        client = self.client
        await client.autopilot.take_off(HEIGHT)
        await client.sleep(1.0)
        place = client.autopilot.position.position.copy()
        start = client.clock.now() + 1.5
        speed = np.array([0.0, 0.0, 1.5]) if up else np.array([3.0, 0.0, 0.0])

        def where(now: float) -> Setpoint:
            passed = max(0.0, now - start)
            moving = speed if passed > 0 else np.zeros(3)
            return Setpoint(place + passed * speed, moving, np.zeros(3), 0.0)

        self.place = place
        self.stream = await offboard(client, where)
        client.autopilot.on_status.append(
            lambda before, now: self.modes.append((now.mode, client.clock.now()))
        )

    async def until(self, mode: Mode, seconds: float = 25.0) -> np.ndarray:
        """Until it is in a mode; how far it has gone since the take-off."""
        client = self.client
        end = client.clock.now() + seconds
        while client.autopilot.mode is not mode:
            assert client.clock.now() < end, f"{client.autopilot.mode}, not {mode}"
            await client.sleep(0.05)
        return client.autopilot.position.position - self.place

    async def rest(self) -> np.ndarray:
        """Until it stands; how far it has gone."""
        await self.client.sleep(8.0)
        assert np.linalg.norm(self.client.autopilot.position.velocity) < 0.5
        return self.client.autopilot.position.position - self.place


def test_who_leaves_a_circle_is_held(fenced):
    async def work(client: Client, mission: Mission):
        await mission.upload((CIRCLE, 9.0, 0.0, 0.0))
        flight = Flight(client)
        await flight.begin()
        there = await flight.until(Mode.HOLD)
        stands = await flight.rest()
        # The stream goes on all the while, and the vehicle stays held.
        held = client.autopilot.mode
        # Until somebody changes the mode on purpose, also while it is still outside.
        await client.autopilot.set_mode(Mode.OFFBOARD)
        await client.sleep(2.0)
        after = client.autopilot.mode
        flight.stream.stop()
        return there, stands, held, after

    there, stands, held, after = fenced(work)
    assert 8.0 < there[0] < 12.5  # it looks five times a second, at 3 m/s
    assert 8.0 < stands[0] < 14.0
    assert abs(stands[2]) < 0.5
    assert held is Mode.HOLD
    assert after is Mode.OFFBOARD


@pytest.mark.parametrize(
    ("items", "reach"),
    [
        ([(VERTEX, 4.0, x, y) for x, y in ((-9, -9), (9, -9), (9, 9), (-9, 9))], 9.0),
        ([(CIRCLE, 60.0, 0.0, 0.0), (KEEP_OUT, 4.0, 13.0, 0.0)], 9.0),
        ([(CIRCLE, 9.0, 0.0, 0.0), (CIRCLE, 60.0, 0.0, 0.0)], 9.0),  # all must hold
    ],
    ids=["polygon", "keep out", "two circles"],
)
def test_who_leaves_a_polygon_or_enters_what_is_forbidden_is_held(fenced, items, reach):
    async def work(client: Client, mission: Mission):
        await mission.upload(*items)
        flight = Flight(client)
        await flight.begin()
        there = await flight.until(Mode.HOLD)
        flight.stream.stop()
        return there[0]

    assert reach - 1.0 < fenced(work) < reach + 3.5


@pytest.mark.parametrize(
    ("name", "value", "axis"), [("GF_MAX_HOR_DIST", 9.0, 0), ("GF_MAX_VER_DIST", 6.0, 2)]
)
def test_who_leaves_the_cylinder_around_home_is_held(fenced, name, value, axis):
    async def work(client: Client, mission: Mission):
        await client.autopilot.parameter(name, value)
        flight = Flight(client)
        await flight.begin(up=axis == 2)
        there = await flight.until(Mode.HOLD)
        flight.stream.stop()
        return there[axis] + (HEIGHT if axis == 2 else 0.0)

    assert value - 1.0 < fenced(work) < value + 3.0


def test_an_area_that_home_is_not_in_is_taken_and_not_kept(fenced):
    async def work(client: Client, mission: Mission):
        result = await mission.upload((CIRCLE, 20.0, 0.0, 60.0))
        flight = Flight(client)
        await flight.begin()
        await client.sleep(6.0)
        mode = client.autopilot.mode
        flight.stream.stop()
        return result, mode

    assert fenced(work) == (ACCEPTED, Mode.OFFBOARD)


def test_a_fence_that_only_warns_holds_nobody(fenced):
    async def work(client: Client, mission: Mission):
        await mission.upload((CIRCLE, 8.0, 0.0, 0.0))
        await client.autopilot.parameter("GF_ACTION", 1)
        flight = Flight(client)
        await flight.begin()
        await client.sleep(7.0)
        mode, gone = client.autopilot.mode, client.autopilot.position.position - flight.place
        flight.stream.stop()
        return mode, gone[0]

    mode, gone = fenced(work)
    assert mode is Mode.OFFBOARD
    assert gone > 10


@pytest.mark.parametrize(("action", "mode"), [(3, Mode.RETURN), (5, Mode.LAND)])
def test_who_shall_return_or_land_is_held_a_while_before(fenced, action, mode):
    async def work(client: Client, mission: Mission):
        await mission.upload((CIRCLE, 9.0, 0.0, 0.0))
        await client.autopilot.parameter("GF_ACTION", action)
        flight = Flight(client)
        await flight.begin()
        await flight.until(Mode.HOLD)
        began = client.clock.now()
        await flight.until(mode)
        waited = client.clock.now() - began
        flight.stream.stop()
        return waited, [mode for mode, _ in flight.modes]

    waited, modes = fenced(work)
    assert 1.0 < waited < 4.0  # COM_FAIL_ACT_T is 2 s here
    assert modes[-2:] == [Mode.HOLD, mode]


def test_a_stream_that_ends_turns_the_hold_into_what_a_lost_stream_does(fenced):
    async def work(client: Client, mission: Mission):
        await client.autopilot.parameter("COM_OBL_RC_ACT", 0)
        await mission.upload((CIRCLE, 9.0, 0.0, 0.0))
        flight = Flight(client)
        await flight.begin()
        await flight.until(Mode.HOLD)
        flight.stream.stop()
        await flight.until(Mode.RETURN, 8.0)
        return True

    assert fenced(work)


def test_who_holds_for_good_is_not_moved_by_a_stream_that_ends(fenced):
    async def work(client: Client, mission: Mission):
        await mission.upload((CIRCLE, 9.0, 0.0, 0.0))  # with COM_OBL_RC_ACT at 5
        flight = Flight(client)
        await flight.begin()
        await flight.until(Mode.HOLD)
        flight.stream.stop()
        gone = await flight.rest()
        return client.autopilot.mode, gone[0]

    mode, gone = fenced(work)
    assert mode is Mode.HOLD
    assert 8.0 < gone < 14.0


def test_home_is_found_from_the_earth_when_the_origin_was_set_elsewhere() -> None:
    """HOME_POSITION's local part is of the origin before: what counts is the earth."""
    from cinempc.flight.preflight.vehicle import home_of

    latitude, longitude = geodesy.at(47.0, 8.0, 30.0, 10.0)
    ned = SimpleNamespace(east_m=5.0, north_m=-2.0, down_m=-7.0)
    told = SimpleNamespace(
        home=lambda: SimpleNamespace(
            latitude_deg=47.0,
            longitude_deg=8.0,
            absolute_altitude_m=488.0,
            local_east_m=0.0,
            local_north_m=0.0,
            local_down_m=0.0,
        ),
        position=lambda: SimpleNamespace(
            latitude_deg=latitude, longitude_deg=longitude, absolute_altitude_m=496.0
        ),
        position_velocity_ned=lambda: SimpleNamespace(position=ned),
    )
    assert home_of(told).local == pytest.approx((-25.0, -12.0, -1.0), abs=0.01)
    unknown = SimpleNamespace(latitude_deg=math.nan, longitude_deg=8.0, absolute_altitude_m=1.0)
    told.position = lambda: unknown
    assert home_of(told).local == (0.0, 0.0, 0.0)
