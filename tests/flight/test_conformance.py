"""What a vehicle must do, as measured on PX4. Runs unchanged against the simulated vehicle and,
where ``PX4_BUILD`` names a build, against real PX4."""

from __future__ import annotations

import asyncio
import math
import time

import numpy as np
import pytest

from cinempc.flight import telemetry
from cinempc.flight.commands import (
    CommandRefused,
    NoAnswer,
    Target,
    command,
    get_parameter,
    request,
    set_interval,
)
from cinempc.flight.dialect import mavlink
from cinempc.flight.px4 import Mode
from cinempc.flight.stream import Ticker
from cinempc.vehicle import Setpoint
from tests.flight.conftest import Client, TestVehicle

pytestmark = pytest.mark.slow

HERE = Setpoint(np.zeros(3), np.zeros(3), np.zeros(3), 0.0)


class Stream:
    """Setpoints, 50 a second, from a function of vehicle time."""

    def __init__(self, client: Client, where, mask: int = 0) -> None:
        self.client, self.where, self.mask = client, where, mask
        self.on = True
        self._task = asyncio.ensure_future(Ticker(client.clock, 50.0, self._tick).run())

    def _tick(self) -> None:
        if not self.on:
            return
        now = self.client.clock.now()
        target = self.client.target
        message = telemetry.setpoint_message(
            int(now * 1e3), target.system, target.component, self.where(now), np.zeros(3)
        )
        message.type_mask = self.mask
        self.client.link.send(message)

    def stop(self) -> None:
        self._task.cancel()


async def hover(client: Client, height: float = 8.0) -> np.ndarray:
    """Take off, and hold by stream in OFFBOARD; where."""
    await client.autopilot.take_off(height)
    await client.sleep(2.0)
    return client.autopilot.position.position.copy()


async def offboard(client: Client, where) -> Stream:
    stream = Stream(client, where)
    await client.sleep(0.8)
    await client.autopilot.set_mode(Mode.OFFBOARD)
    return stream


def still(place, yaw=0.5):
    return lambda now: Setpoint(place, np.zeros(3), np.zeros(3), yaw)


# --- on the ground ---


def test_heartbeat_once_a_second(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> list[float]:
        times: list[float] = []
        client.link.on(
            "HEARTBEAT",
            lambda m: times.append(time.monotonic()) if m.get_srcComponent() == 1 else None,
        )
        while not client.link.received["HEARTBEAT"]:
            await asyncio.sleep(0.05)
        await asyncio.sleep(5.0)
        return times

    times = vehicle.run(work, connect=False)
    assert 4 <= len(times) <= 7


def test_version_and_capabilities(vehicle: TestVehicle) -> None:
    async def work(client: Client):
        return await request(client.link, client.target, "AUTOPILOT_VERSION")

    about = vehicle.run(work)
    assert about.flight_sw_version >> 24 & 0xFF >= 1
    assert about.capabilities & mavlink.MAV_PROTOCOL_CAPABILITY_SET_POSITION_TARGET_LOCAL_NED


def test_a_heartbeat_comes_on_request(vehicle: TestVehicle) -> None:
    async def work(client: Client):
        began = client.link.received["HEARTBEAT"]
        await client.sleep(3.0)  # the autopilot's client asks five times a second
        return client.link.received["HEARTBEAT"] - began

    assert vehicle.run(work) >= 10


@pytest.mark.parametrize("rate", [10.0, 50.0])
def test_message_interval(vehicle: TestVehicle, rate: float) -> None:
    async def work(client: Client):
        await set_interval(client.link, client.target, "LOCAL_POSITION_NED", rate)
        await client.sleep(0.5)
        stamps: list[float] = []
        client.link.on("LOCAL_POSITION_NED", lambda m: stamps.append(m.time_boot_ms / 1e3))
        await client.sleep(4.0)
        return stamps

    stamps = vehicle.run(work)
    assert len(stamps) / (stamps[-1] - stamps[0]) == pytest.approx(rate, rel=0.15)


def test_an_unknown_command_is_unsupported(vehicle: TestVehicle) -> None:
    async def work(client: Client):
        with pytest.raises(CommandRefused) as refused:
            await command(client.link, client.target, 31999)
        return refused.value.result

    assert vehicle.run(work) == mavlink.MAV_RESULT_UNSUPPORTED


def test_nobody_answers_for_an_absent_component(vehicle: TestVehicle) -> None:
    async def work(client: Client):
        with pytest.raises(NoAnswer, match="component 77"):
            await command(
                client.link,
                Target(client.target.system, 77),
                mavlink.MAV_CMD_REQUEST_MESSAGE,
                0,
                retries=2,
            )

    vehicle.run(work)


def test_parameters(vehicle: TestVehicle) -> None:
    async def work(client: Client):
        autopilot = client.autopilot
        assert await autopilot.parameter("MPC_XY_P") == pytest.approx(0.95)
        assert await autopilot.parameter("COM_OBL_RC_ACT", 5) == 5  # an integer
        assert await autopilot.parameter("COM_OF_LOSS_T", 0.5) == pytest.approx(0.5)
        with pytest.raises(NoAnswer):
            await get_parameter(client.link, client.target, "NO_SUCH_THING")

    vehicle.run(work)


def test_time_is_told(vehicle: TestVehicle) -> None:
    async def work(client: Client):
        stamp = time.monotonic_ns()
        waiting = asyncio.ensure_future(
            client.link.wait("TIMESYNC", lambda m: m.ts1 == stamp and m.tc1 != 0, 3.0)
        )
        await asyncio.sleep(0)
        client.link.send(mavlink.MAVLink_timesync_message(0, stamp))
        return (await waiting).tc1 / 1e9, client.clock.now()

    theirs, ours = vehicle.run(work)
    assert theirs == pytest.approx(ours, abs=0.3)


def test_offboard_needs_a_stream(vehicle: TestVehicle) -> None:
    async def work(client: Client):
        await client.sleep(1.5)
        with pytest.raises(CommandRefused) as refused:
            await command(client.link, client.target, mavlink.MAV_CMD_DO_SET_MODE, 1.0, 6.0, 0.0)
        return refused.value.result

    assert vehicle.run(work) == mavlink.MAV_RESULT_TEMPORARILY_REJECTED


# --- in the air ---


def test_takes_off_hovers_and_lands(vehicle: TestVehicle) -> None:
    async def work(client: Client):
        autopilot = client.autopilot
        began = client.clock.now()
        await autopilot.take_off(10.0)
        rose = client.clock.now() - began
        await client.sleep(3.0)
        place = autopilot.position.position.copy()
        seen = []
        client.link.on(
            "LOCAL_POSITION_NED", lambda m: seen.append(telemetry.local_position(m).position)
        )
        await client.sleep(5.0)
        held = np.linalg.norm(np.array(seen) - place, axis=1)
        airborne = autopilot.airborne
        await autopilot.land()
        return rose, float(np.sqrt((held**2).mean())), airborne, autopilot.armed

    rose, held, airborne, armed = vehicle.run(work)
    assert 6 <= rose <= 20  # 13 s was measured
    assert held < 0.15
    assert airborne
    assert not armed


def test_will_not_disarm_in_the_air(vehicle: TestVehicle) -> None:
    async def work(client: Client):
        await hover(client, 4.0)
        with pytest.raises(CommandRefused):
            await command(client.link, client.target, mavlink.MAV_CMD_COMPONENT_ARM_DISARM, 0.0)
        assert client.autopilot.armed

    vehicle.run(work)


def test_position_step(vehicle: TestVehicle) -> None:
    async def work(client: Client):
        place = await hover(client)
        stream = await offboard(client, still(place))
        await client.sleep(3.0)
        goal = place + np.array([10.0, 0.0, 0.0])
        track: list[tuple[float, float, float]] = []

        def keep(message):
            found = telemetry.local_position(message)
            track.append((found.time, found.position[0] - place[0], found.velocity[0]))

        client.link.on("LOCAL_POSITION_NED", keep)
        mask = 0b0001_1111_1000  # the position alone
        stream.where = still(goal)
        stream.mask = mask
        began = client.clock.now()
        await client.sleep(9.0)
        stream.stop()
        return began, np.array(track)

    began, track = vehicle.run(work)
    assert track[:, 2].max() == pytest.approx(5.1, abs=0.6)
    assert 0.1 < track[:, 1].max() - 10 < 0.9
    reached = track[np.argmax(track[:, 1] > 9), 0] - began
    assert reached == pytest.approx(2.8, abs=0.5)


RADIUS, SPEED = 5.0, 3.0


def circle(drag: float, *, accelerate: bool = True):
    """A 5 m circle at 3 m/s with the nose to the centre, from rest, as a function of time."""
    rate, ramp = SPEED / RADIUS, 4.0

    def at(t: float):
        angle = rate * (t * t / (2 * ramp) if t < ramp else t - ramp / 2)
        turn = rate * min(t / ramp, 1.0)
        spin = rate / ramp if t < ramp else 0.0
        out = np.array([math.sin(angle), -math.cos(angle), 0.0])
        along = np.array([math.cos(angle), math.sin(angle), 0.0])
        p = RADIUS * out
        v = RADIUS * turn * along
        a = RADIUS * spin * along - RADIUS * turn**2 * out
        return p, v, a + drag * v if accelerate else np.zeros(3), angle + math.pi / 2, turn

    return at


@pytest.mark.parametrize(
    ("drag", "distance", "lag"),
    [(0.0, (1.45, 1.75), (0.5, 0.6)), (1.0, (0.15, 0.32), (0.03, 0.09))],
    ids=["as it is", "drag fed forward"],
)
def test_follows_a_circle_as_measured(vehicle: TestVehicle, drag, distance, lag) -> None:
    async def work(client: Client):
        place = await hover(client, 8.0)
        path = circle(drag)
        start = place - path(0.0)[0]
        stream = await offboard(client, still(place, math.pi / 2))
        await client.sleep(2.5)
        began = client.clock.now() + 0.5

        def where(now: float) -> Setpoint:
            p, v, a, yaw, turn = path(max(0.0, now - began))
            rolling = now > began
            return Setpoint(start + p, v * rolling, a * rolling, yaw, turn if rolling else 0.0)

        stream.where = where
        pairs = []

        def keep(message):
            found = telemetry.local_position(message)
            pairs.append((found.time, *(found.position - start)))

        client.link.on("LOCAL_POSITION_NED", keep)
        await client.sleep(0.5 + 4 + 2 * 10.47)
        stream.stop()
        return began, np.array(pairs)

    began, flown = vehicle.run(work)
    steady = flown[flown[:, 0] > began + 4 + 10.47]
    path = circle(drag)
    wanted = np.array([path(t - began)[0] for t in steady[:, 0]])
    off = np.linalg.norm(steady[:, 1:3] - wanted[:, :2], axis=1)
    rms = float(np.sqrt((off**2).mean()))
    behind = np.unwrap(np.arctan2(wanted[:, 1], wanted[:, 0])) - np.unwrap(
        np.arctan2(steady[:, 2], steady[:, 1])
    )
    turns = 2 * math.pi * round(float(behind.mean()) / (2 * math.pi))
    seconds = (float(behind.mean()) - turns) / (SPEED / RADIUS)
    assert distance[0] < rms < distance[1]
    assert lag[0] < seconds < lag[1]


@pytest.mark.parametrize("gap", [0.4, 0.8])
def test_a_short_gap_changes_nothing(vehicle: TestVehicle, gap: float) -> None:
    async def work(client: Client):
        place = await hover(client, 5.0)
        stream = await offboard(client, still(place))
        await client.sleep(1.0)
        stream.on = False
        await client.sleep(gap)
        stream.on = True
        await client.sleep(1.5)
        stream.stop()
        return client.autopilot.mode, client.autopilot.texts

    mode, texts = vehicle.run(work)
    assert mode is Mode.OFFBOARD
    assert not any("Failsafe" in words for words in texts)


@pytest.mark.parametrize(("action", "mode"), [(0, Mode.RETURN), (4, Mode.LAND), (5, Mode.HOLD)])
def test_a_lost_stream_is_a_failsafe(vehicle: TestVehicle, action: int, mode: Mode) -> None:
    async def work(client: Client):
        await client.autopilot.parameter("COM_OBL_RC_ACT", action)
        place = await hover(client, 5.0)
        stream = await offboard(client, still(place))
        await client.sleep(1.0)
        stream.on = False
        stopped = client.clock.now()
        while client.autopilot.mode is Mode.OFFBOARD:
            assert client.clock.now() - stopped < 5.0
            await asyncio.sleep(0.01)
        after = client.clock.now() - stopped
        seen = client.autopilot.mode
        stream.where = still(client.autopilot.position.position.copy())
        stream.on = True
        back = client.clock.now()
        while client.autopilot.mode is not Mode.OFFBOARD:
            assert client.clock.now() - back < 5.0
            await asyncio.sleep(0.01)
        returned = client.clock.now() - back
        stream.stop()
        return seen, after, returned, client.autopilot.texts

    seen, after, returned, texts = vehicle.run(work)
    assert seen is mode
    assert 0.8 < after < 2.5
    assert returned < 2.5  # by itself
    assert any("Failsafe" in words for words in texts)


def test_another_mode_wins(vehicle: TestVehicle) -> None:
    async def work(client: Client):
        place = await hover(client, 5.0)
        stream = await offboard(client, still(place + np.array([3.0, 0.0, 0.0])))
        await client.sleep(2.0)
        await client.autopilot.set_mode(Mode.HOLD)
        await client.sleep(2.5)  # the stream goes on, and does not take it back
        stream.stop()
        return client.autopilot.mode

    assert vehicle.run(work) is Mode.HOLD


def test_without_a_stream_it_is_still_the_autopilots(vehicle: TestVehicle) -> None:
    async def work(client: Client):
        await hover(client, 4.0)
        assert client.autopilot.mode is Mode.HOLD
        await client.autopilot.set_mode(Mode.RETURN)
        await client.sleep(1.0)
        return client.autopilot.mode

    assert vehicle.run(work) is Mode.RETURN
