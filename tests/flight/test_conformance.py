"""What an autopilot must do, as measured on PX4. Runs unchanged against the simulated vehicle and,
where ``PX4_BUILD`` names a build, against real PX4."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cinempc import frames
from cinempc.mavlink import geodesy, telemetry
from cinempc.mavlink.commands import (
    CommandRefused,
    NoAnswer,
    Target,
    command,
    decode_parameter,
    get_parameter,
    request,
    set_interval,
)
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.px4 import Mode
from cinempc.rig.vehicle import Setpoint
from tests.flight import steering
from tests.flight.client import Client, TestVehicle
from tests.flight.conftest import Flying
from tests.flight.steering import HOME, NORTH, Stream, Track, circle, still

pytestmark = pytest.mark.slow

ACCEPTED = mavlink.MAV_RESULT_ACCEPTED
LATER = mavlink.MAV_RESULT_TEMPORARILY_REJECTED
GROUND, IN_AIR = mavlink.MAV_LANDED_STATE_ON_GROUND, mavlink.MAV_LANDED_STATE_IN_AIR
TAKING_OFF, LANDING = mavlink.MAV_LANDED_STATE_TAKEOFF, mavlink.MAV_LANDED_STATE_LANDING
MANUAL = (Mode.MANUAL, Mode.ALTITUDE, Mode.POSITION, Mode.ACRO, Mode.STABILIZED)
GPS_OFF, GPS_ON = (4.0, 1.0), (4.0, 0.0)  # FAILURE_UNIT_SENSOR_GPS, FAILURE_TYPE_OFF and _OK
INJECT = 420  # MAV_CMD_INJECT_FAILURE


async def answer(client: Client, number: int, *params: float) -> int:
    """MAV_RESULT of a command."""
    try:
        await command(client.link, client.target, number, *params)
    except CommandRefused as refused:
        return refused.result
    return int(ACCEPTED)


async def order(client: Client, mode: Mode) -> int:
    """MAV_RESULT of an order to change the mode."""
    main, sub = mode.value
    return await answer(client, mavlink.MAV_CMD_DO_SET_MODE, 1.0, float(main), float(sub))


async def until(client: Client, done: Callable[[], Any], within: float, what: str) -> float:
    """Wait until it is so; how long it took, s, by the times that the vehicle tells: a busy machine
    holds it up."""

    def now() -> float:
        place = client.autopilot.position
        assert place is not None
        return place.time

    began = now()
    while not done():
        assert now() - began < within, what
        await asyncio.sleep(0.01)
    return now() - began


def listen(client: Client, name: str) -> list[Any]:
    """The autopilot's messages of a name, from now on."""
    heard: list[Any] = []
    client.link.on(name, lambda m: heard.append(m) if client.target.sent(m) else None)
    return heard


# --- who it is, and what it tells ---


def test_heartbeat_once_a_second(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> tuple[float, Any]:
        heard = listen(client, "HEARTBEAT")
        began = client.clock.now()
        await client.sleep(6.0)
        return len(heard) / (client.clock.now() - began), heard[-1]

    rate, beat = vehicle.run(work, watch=False)
    assert 0.8 <= rate <= 1.3
    assert (beat.type, beat.autopilot, beat.mavlink_version) == (2, mavlink.MAV_AUTOPILOT_PX4, 3)
    assert beat.custom_mode == Mode.HOLD.custom
    assert beat.base_mode == 1 | 4 | 8 | 16  # custom, auto, guided, stabilised; not armed
    assert beat.system_status == mavlink.MAV_STATE_STANDBY


def test_a_heartbeat_comes_on_request(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> int:
        before = client.link.received["HEARTBEAT"]
        await asyncio.sleep(4.0)  # the autopilot's client asks five times a second of ours
        return client.link.received["HEARTBEAT"] - before

    assert vehicle.run(work) >= 12


def test_version_and_capabilities(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> Any:
        return await request(client.link, client.target, "AUTOPILOT_VERSION")

    about = vehicle.run(work)
    assert about.flight_sw_version >> 24 & 0xFF >= 1
    for capability in (
        mavlink.MAV_PROTOCOL_CAPABILITY_SET_POSITION_TARGET_LOCAL_NED,
        mavlink.MAV_PROTOCOL_CAPABILITY_PARAM_ENCODE_BYTEWISE,
        mavlink.MAV_PROTOCOL_CAPABILITY_COMMAND_INT,
        mavlink.MAV_PROTOCOL_CAPABILITY_MISSION_FENCE,
        mavlink.MAV_PROTOCOL_CAPABILITY_MAVLINK2,
    ):
        assert about.capabilities & capability, capability


@pytest.mark.parametrize("rate", [10.0, 50.0])
def test_message_interval(vehicle: TestVehicle, rate: float) -> None:
    async def work(client: Client) -> list[float]:
        await set_interval(client.link, client.target, "LOCAL_POSITION_NED", rate)
        await client.sleep(0.5)
        heard = listen(client, "LOCAL_POSITION_NED")
        await client.sleep(4.0)
        return [message.time_boot_ms / 1e3 for message in heard]

    stamps = vehicle.run(work)
    assert (len(stamps) - 1) / (stamps[-1] - stamps[0]) == pytest.approx(rate, rel=0.15)


def test_a_message_is_stopped_and_given_back(vehicle: TestVehicle) -> None:
    number = mavlink.MAVLINK_MSG_ID_EXTENDED_SYS_STATE

    async def work(client: Client) -> list[float]:
        rates = []
        for interval in (-1.0, 0.0):  # off; as it was
            assert await answer(
                client, mavlink.MAV_CMD_SET_MESSAGE_INTERVAL, number, interval
            ) == int(ACCEPTED)
            await client.sleep(0.5)
            heard, began = listen(client, "EXTENDED_SYS_STATE"), client.clock.now()
            await client.sleep(4.0)
            rates.append(len(heard) / (client.clock.now() - began))
        return rates

    off, usual = vehicle.run(work)
    assert off == 0
    assert usual == pytest.approx(5.0, rel=0.25)


def test_what_cannot_be_had(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> dict[str, int]:
        interval = mavlink.MAV_CMD_SET_MESSAGE_INTERVAL
        # An answer tells the command and not the message that was asked for: those to what was
        # asked twice while connecting shall all have come.
        await client.sleep(1.0)
        return {
            "unknown command": await answer(client, 31999),
            "interval of an unknown message": await answer(client, interval, 9999.0, 1e5),
            "interval of the heartbeat": await answer(client, interval, 0.0, 1e5),
            "unknown message": await answer(client, mavlink.MAV_CMD_REQUEST_MESSAGE, 9999.0),
        }

    assert vehicle.run(work) == {
        "unknown command": mavlink.MAV_RESULT_UNSUPPORTED,
        "interval of an unknown message": mavlink.MAV_RESULT_FAILED,
        "interval of the heartbeat": mavlink.MAV_RESULT_FAILED,
        "unknown message": mavlink.MAV_RESULT_DENIED,
    }


def test_nobody_answers_for_an_absent_component(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> None:
        absent = Target(client.target.system, 77)
        with pytest.raises(NoAnswer, match="component 77"):
            await command(
                client.link, absent, mavlink.MAV_CMD_REQUEST_MESSAGE, 0.0, timeout=0.5, retries=2
            )

    vehicle.run(work)


def test_time_is_told(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> tuple[float, float, float]:
        stamp, before = round(client.link.wall.now() * 1e9), client.clock.now()
        waiting = asyncio.ensure_future(
            client.link.wait("TIMESYNC", lambda m: m.ts1 == stamp and m.tc1 != 0, 3.0)
        )
        await asyncio.sleep(0)
        client.link.send(mavlink.MAVLink_timesync_message(0, stamp))
        return before, (await waiting).tc1 / 1e9, client.clock.now()

    before, theirs, after = vehicle.run(work)
    off = 0.02 if vehicle.exact else 2.0  # a busy machine holds the vehicle up
    assert before - off < theirs < after + off


def test_utc_goes_with_its_own_time_or_with_ours(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> list[Any]:
        await set_interval(client.link, client.target, "SYSTEM_TIME", 5.0)
        heard = listen(client, "SYSTEM_TIME")
        await client.sleep(3.0)
        return heard

    heard = vehicle.run(work)
    assert len(heard) >= 10
    assert all(telemetry.utc(message) is not None for message in heard)
    stamps = [message.time_unix_usec for message in heard]
    assert stamps == sorted(stamps)


# --- parameters ---


def test_parameters_are_read_and_set(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> None:
        autopilot = client.autopilot
        assert await autopilot.parameter("MPC_XY_P") == pytest.approx(0.95)
        assert await autopilot.parameter("COM_OBL_RC_ACT", 5) == 5  # an integer
        assert await autopilot.parameter("COM_OF_LOSS_T", 0.5) == pytest.approx(0.5)

    vehicle.run(work)


def test_parameters_that_are_not_there(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> list[Any]:
        heard: list[Any] = []
        for name in ("PARAM_ERROR", "PARAM_VALUE"):
            client.link.on(name, heard.append)
        target = client.target.system, client.target.component
        for message in (
            mavlink.MAVLink_param_request_read_message(*target, b"NO_SUCH_THING", -1),
            mavlink.MAVLink_param_set_message(*target, b"NO_SUCH_THING", 1.0, 9),
            mavlink.MAVLink_param_request_read_message(*target, b"", 30000),
            mavlink.MAVLink_param_set_message(
                *target, b"COM_OF_LOSS_T", 3.0, 6
            ),  # it is no integer
        ):
            client.link.send(message)
            await client.sleep(0.8)
        assert await client.autopilot.parameter("COM_OF_LOSS_T") == pytest.approx(1.0)
        with pytest.raises(NoAnswer):
            await get_parameter(client.link, client.target, "NO_SUCH_THING")
        return heard

    heard = vehicle.run(work)
    errors = [message.error for message in heard if message.get_type() == "PARAM_ERROR"]
    assert errors[:4] == [1, 1, 1, 7]  # does not exist, three times; another type


def test_all_parameters(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> tuple[dict[str, Any], Any]:
        found: dict[str, Any] = {}
        client.link.on("PARAM_VALUE", lambda m: found.setdefault(m.param_id, m))
        target = client.target.system, client.target.component
        client.link.send(mavlink.MAVLink_param_request_list_message(*target))
        await until(
            client,
            lambda: found and len(found) >= 0.97 * next(iter(found.values())).param_count,
            60.0,
            f"only {len(found)} came",
        )
        some = found["MPC_XY_P"]
        again = asyncio.ensure_future(
            client.link.wait("PARAM_VALUE", lambda m: m.param_index == some.param_index, 5.0)
        )
        await asyncio.sleep(0)
        client.link.send(mavlink.MAVLink_param_request_read_message(*target, b"", some.param_index))
        return found, await again

    found, by_number = vehicle.run(work)
    assert by_number.param_id == "MPC_XY_P"
    assert found["MPC_XY_P"].param_type == mavlink.MAV_PARAM_TYPE_REAL32
    assert found["COM_OBL_RC_ACT"].param_type == mavlink.MAV_PARAM_TYPE_INT32
    values = {name: decode_parameter(found[name]) for name in MEASURED}
    assert values == pytest.approx(MEASURED, abs=1e-6)


#: PX4's defaults that cinempc, or what it says of PX4, depends on.
MEASURED = {
    "COM_DISARM_LAND": 2.0, "COM_FAIL_ACT_T": 5.0, "COM_OBL_RC_ACT": 0.0, "COM_OF_LOSS_T": 1.0,
    "MC_YAW_P": 2.8, "MPC_ACC_HOR": 3.0, "MPC_ACC_HOR_MAX": 5.0, "MPC_JERK_AUTO": 4.0,
    "MPC_TILTMAX_AIR": 45.0, "MPC_VELD_LP": 5.0, "MPC_XY_P": 0.95, "MPC_XY_VEL_D_ACC": 0.2,
    "MPC_XY_VEL_I_ACC": 0.4, "MPC_XY_VEL_MAX": 12.0, "MPC_XY_VEL_P_ACC": 1.8, "MPC_Z_P": 1.0,
    "MPC_Z_VEL_MAX_DN": 1.5, "MPC_Z_VEL_MAX_UP": 3.0, "RTL_RETURN_ALT": 30.0, "SIH_KDV": 1.0,
    "SIH_MASS": 1.0, "SYS_AUTOSTART": 10040.0, "SYS_FAILURE_EN": 1.0,
}  # fmt: skip


# --- where it is ---


def test_where_it_stands(vehicle: TestVehicle) -> None:
    streamed = (
        *("ATTITUDE", "ATTITUDE_QUATERNION", "ESTIMATOR_STATUS"),
        *("GPS_RAW_INT", "SYS_STATUS", "EXTENDED_SYS_STATE"),
        "GLOBAL_POSITION_INT",  # which PX4 denies who asks for it right after a streamed one
    )

    async def work(client: Client) -> dict[str, Any]:
        await client.sleep(1.0)
        found = {
            name: await request(client.link, client.target, name)
            for name in ("HOME_POSITION", "GPS_GLOBAL_ORIGIN")
        }
        heard = {name: listen(client, name) for name in streamed}
        await client.sleep(2.0)
        found |= {name: messages[-1] for name, messages in heard.items()}
        return found | {"place": client.autopilot.position}

    found = vehicle.run(work)
    origin, here = found["GPS_GLOBAL_ORIGIN"], found["GLOBAL_POSITION_INT"]
    there = geodesy.offset(
        origin.latitude / 1e7, origin.longitude / 1e7, here.lat / 1e7, here.lon / 1e7
    )
    place = found["place"].position
    np.testing.assert_allclose(there, place[:2], atol=0.3)
    assert (here.alt - origin.altitude) / 1e3 == pytest.approx(place[2], abs=0.3)
    assert here.relative_alt / 1e3 == pytest.approx(0.0, abs=0.5)
    home = found["HOME_POSITION"]
    np.testing.assert_allclose(
        frames.enu_from_ned(np.array([home.x, home.y, home.z])), place, atol=0.6
    )
    attitude, q = found["ATTITUDE"], found["ATTITUDE_QUATERNION"]
    assert abs(attitude.roll) < 0.02
    assert abs(attitude.pitch) < 0.02
    np.testing.assert_allclose(
        frames.gimbal_angles((q.q1, q.q2, q.q3, q.q4)),
        (frames.yaw_enu_from_ned(attitude.yaw), attitude.pitch, attitude.roll),
        atol=0.02,
    )
    assert telemetry.has_position(found["ESTIMATOR_STATUS"])
    assert found["ESTIMATOR_STATUS"].flags == 1023
    assert found["GPS_RAW_INT"].fix_type >= mavlink.GPS_FIX_TYPE_3D_FIX
    assert 0 < found["SYS_STATUS"].battery_remaining <= 100
    assert found["EXTENDED_SYS_STATE"].landed_state == GROUND


# --- modes and arming on the ground ---


def test_modes_on_the_ground(vehicle: TestVehicle) -> None:
    """It takes all of them, with nobody at the sticks; all that cannot be armed in say so."""

    async def work(client: Client) -> tuple[dict[Mode, int], dict[Mode, tuple[int, int]]]:
        answers, states = {}, {}
        for mode in Mode:
            # OFFBOARD with no stream and no motors stops the lockstep of SIH for ten seconds.
            if mode in (Mode.UNKNOWN, Mode.OFFBOARD):
                continue
            answers[mode] = await order(client, mode)
            if answers[mode] == ACCEPTED:
                await until(client, lambda m=mode: client.autopilot.mode is m, 5.0, f"not {mode}")
                status = client.autopilot.status
                states[mode] = status.system_status
            await client.autopilot.set_mode(Mode.HOLD)
        return answers, states

    answers, states = vehicle.run(work)
    refused = {mode for mode, result in answers.items() if result != ACCEPTED}
    assert refused == {Mode.READY, Mode.DESCEND}
    assert {answers[mode] for mode in refused} == {LATER}
    assert states[Mode.HOLD] == states[Mode.TAKEOFF] == mavlink.MAV_STATE_STANDBY
    assert {states[mode] for mode in MANUAL} == {mavlink.MAV_STATE_UNINIT}


def test_orders_that_are_no_mode(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> list[int]:
        mode = mavlink.MAV_CMD_DO_SET_MODE
        return [
            await answer(client, mode, *params)
            for params in ((0.0, 4.0, 3.0), (1.0, 9.0, 0.0), (1.0, 4.0, 44.0), (1.0, 0.0, 0.0))
        ]

    assert vehicle.run(work) == [LATER] * 4


def test_arms_and_disarms(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> float:
        autopilot = client.autopilot
        await autopilot.arm()
        await autopilot.disarm()
        # Who does not take off is disarmed.
        await autopilot.parameter("COM_DISARM_PRFLT", 4.0)
        await autopilot.arm()
        return await until(client, lambda: not autopilot.armed, 10.0, "it stays armed")

    assert 2.5 < vehicle.run(work) < 6.0


def test_it_is_ready_after_a_while(fresh: TestVehicle) -> None:
    """Arming is refused for now until the estimator is sure, and is accepted then."""

    async def work(client: Client) -> list[tuple[float, int]]:
        link, found = client.link, []
        await link.wait("HEARTBEAT", lambda m: m.get_srcComponent() == 1, 30.0)
        heard: list[float] = []
        link.on("ATTITUDE", lambda m: heard.append(m.time_boot_ms / 1e3))
        for _ in range(200):
            try:
                await command(link, client.target, mavlink.MAV_CMD_COMPONENT_ARM_DISARM, 1.0)
                result = int(ACCEPTED)
            except CommandRefused as refused:
                result = refused.result
            if heard:
                found.append((heard[-1], result))
            if result == ACCEPTED:
                break
            await asyncio.sleep(0.1)
        return found

    found = fresh.run(work, connect=False)
    assert found[-1][1] == ACCEPTED
    assert {result for _, result in found[:-1]} <= {LATER}
    assert 2.0 < found[-1][0] < 12.0


# --- taking off ---


def test_takes_off_and_hovers(vehicle: TestVehicle) -> None:
    async def work(client: Client) -> tuple[float, Track, list[int], float, bool]:
        autopilot = client.autopilot
        states = listen(client, "EXTENDED_SYS_STATE")
        track = Track(client)
        began = client.clock.now()
        await autopilot.take_off(10.0)
        rose = client.clock.now() - began
        await client.sleep(4.0)
        track.stop()
        held = Track(client)
        await client.sleep(5.0)
        spread = held.positions - held.positions.mean(axis=0)
        seen = [message.landed_state for message in states]
        return rose, track, seen, float(np.sqrt((spread**2).sum(axis=1).mean())), autopilot.airborne

    rose, track, seen, spread, airborne = vehicle.run(work)
    assert 9 <= rose <= 17  # 12 to 13 s were measured
    height = track.positions[:, 2] - track.positions[0, 2]
    assert 9.0 < height[-1] < 10.6
    lifts = track.times[np.argmax(height > 0.3)] - track.times[0]
    assert 3.0 < lifts < 6.5  # motors and the ramp of their thrust: 4.7 s
    assert track.velocities[:, 2].max() == pytest.approx(1.5, abs=0.25)
    assert spread < 0.15
    assert airborne
    changes = [a for a, b in zip(seen, [None, *seen], strict=False) if a != b]
    assert changes == [GROUND, TAKING_OFF, IN_AIR]


# --- in the air ---


def test_will_not_disarm_in_the_air(flying: Flying) -> None:
    async def work(client: Client, stream: Stream) -> int:
        return await answer(client, mavlink.MAV_CMD_COMPONENT_ARM_DISARM, 0.0)

    assert flying.run(work) == LATER


def test_modes_in_the_air(flying: Flying) -> None:
    """The manual ones want a pilot with sticks."""

    async def work(client: Client, stream: Stream) -> set[int]:
        return {await order(client, mode) for mode in (*MANUAL, Mode.MISSION, Mode.READY)}

    assert flying.run(work) == {LATER}


def test_offboard_needs_a_stream(flying: Flying) -> None:
    async def work(client: Client, stream: Stream) -> list[int]:
        await client.autopilot.set_mode(Mode.HOLD)
        await client.autopilot.parameter("COM_OF_LOSS_T", 1.0)
        stream.on = False
        await client.sleep(2.0)
        without = await order(client, Mode.OFFBOARD)
        stream.on = True
        await client.sleep(0.5)
        return [without, await order(client, Mode.OFFBOARD)]

    assert flying.run(work) == [LATER, ACCEPTED]


def test_position_step(flying: Flying) -> None:
    async def work(client: Client, stream: Stream) -> tuple[float, Track]:
        track = Track(client)
        stream.mask = steering.POSITION
        stream.where = still(HOME + np.array([10.0, 0.0, 0.0]))
        began = client.clock.now()
        await client.sleep(9.0)
        track.stop()
        return began, track

    began, track = flying.run(work)
    along = track.positions[:, 0]
    assert track.velocities[:, 0].max() == pytest.approx(5.1, abs=0.3)
    assert along.max() - 10 == pytest.approx(0.33, abs=0.15)
    assert track.times[np.argmax(along > 9)] - began == pytest.approx(2.9, abs=0.3)
    late = track.times[np.flatnonzero(np.abs(along - 10) > 0.45)[-1]] - began
    assert late < 5.0


def test_heading_step(flying: Flying) -> None:
    async def work(client: Client, stream: Stream) -> list[float]:
        heard = listen(client, "ATTITUDE")
        stream.where = still(HOME, NORTH + math.radians(30))
        await client.sleep(5.0)
        stream.where = still(HOME)
        await client.sleep(3.0)
        return [frames.yaw_enu_from_ned(message.yaw) - NORTH for message in heard[:250]]

    turned = np.degrees(np.unwrap(flying.run(work)))
    assert 34 < turned.max() < 42  # 37.8
    assert turned[-20:] == pytest.approx(30, abs=2.5)


def test_a_velocity_is_flown(flying: Flying) -> None:
    async def work(client: Client, stream: Stream) -> Any:
        speed = np.array([2.0, 0.0, 0.0])
        stream.where = lambda now: Setpoint(HOME, speed, np.zeros(3), NORTH)
        stream.mask = steering.VELOCITY
        await client.sleep(5.0)
        return client.autopilot.position

    place = flying.run(work)
    np.testing.assert_allclose(place.velocity, [1.8, 0.0, 0.0], atol=0.35)


RADIUS, PACE = 5.0, 3.0
LAP = 2 * math.pi * RADIUS / PACE  # s


@pytest.mark.parametrize(
    ("drag", "inward", "distance", "lag"),
    [
        (0.0, True, (1.35, 1.75), (0.49, 0.6)),
        (1.0, True, (0.1, 0.32), (0.02, 0.09)),
        (1.0, False, (0.35, 0.6), (0.0, 0.09)),
    ],
    ids=["as it is", "drag fed forward", "and the nose fixed"],
)
def test_follows_a_circle_as_measured(flying: Flying, drag, inward, distance, lag) -> None:
    path = circle(RADIUS, PACE, drag, inward=inward)

    async def work(client: Client, stream: Stream) -> tuple[float, Track, np.ndarray]:
        began = client.clock.now() + 0.5

        def where(now: float) -> Setpoint:
            p, v, a, yaw, turn = path(max(0.0, now - began))
            rolling = now > began
            return Setpoint(HOME + p, v * rolling, a * rolling, yaw, turn * rolling)

        stream.where = where
        track = Track(client)
        await client.sleep(0.5 + 4 + 0.7 * LAP)
        # A lap; more, where a busy machine has held the stream up.
        for _ in range(1 if flying.vehicle.exact else 6):
            await client.sleep(LAP)
            counts = track.steady(stream, began + 4 + 0.7 * LAP, 3.0)
            if counts.sum() > 0.9 * 50 * LAP:
                break
        track.stop()
        return began, track, counts

    began, track, counts = flying.run(work)
    least = 0.9 * 50 * LAP if flying.vehicle.exact else 100
    assert counts.sum() > least, "the machine is too busy for a stream"
    late = np.flatnonzero(counts)
    flown = track.positions[late] - HOME
    wanted = np.array([path(t - began)[0] for t in track.times[late]])
    off = np.linalg.norm((flown - wanted)[:, :2], axis=1)
    assert distance[0] < float(np.sqrt((off**2).mean())) < distance[1]
    assert lag[0] < _lag(flown, wanted) < lag[1]


def _lag(flown: np.ndarray, wanted: np.ndarray) -> float:
    """How late it is, s, by the angle around the centre."""
    centre = np.array([0.0, RADIUS])

    def angle(points: np.ndarray) -> np.ndarray:
        return np.unwrap(np.arctan2(*(points[:, :2] - centre).T[::-1]))

    behind = float((angle(wanted) - angle(flown)).mean())
    return math.remainder(behind, 2 * math.pi) * RADIUS / PACE


def test_a_short_gap_changes_nothing(flying: Flying) -> None:
    async def work(client: Client, stream: Stream) -> set[Mode]:
        await client.autopilot.parameter("COM_OF_LOSS_T", 2.0)
        for _ in range(5):
            modes = set()
            client.autopilot.on_status.append(lambda _, now, seen=modes: seen.add(now.mode))
            began = client.clock.now()
            stream.on = False
            await client.sleep(1.5)
            stream.on = True
            await client.sleep(2.0)
            if stream.stalled(began) < 0.3:  # the machine did not make it longer
                assert flying.vehicle.exact is False or stream.stalls == []
                return modes | {client.autopilot.mode}
            await client.autopilot.set_mode(Mode.OFFBOARD)
        raise AssertionError("the machine is too busy for a stream")

    assert flying.run(work) == {Mode.OFFBOARD}


@pytest.mark.parametrize(
    ("action", "mode", "limit"),
    [(0, Mode.RETURN, 1.0), (3, Mode.RETURN, 1.0), (4, Mode.LAND, 0.5), (5, Mode.HOLD, 2.0)],
)
def test_a_lost_stream_is_a_failsafe(flying: Flying, action: int, mode: Mode, limit: float) -> None:
    """COM_OBL_RC_ACT after COM_OF_LOSS_T, and back by itself when the stream is."""

    async def work(client: Client, stream: Stream) -> tuple[Any, ...]:
        autopilot = client.autopilot
        await autopilot.parameter("COM_OBL_RC_ACT", action)
        await autopilot.parameter("COM_OF_LOSS_T", limit)
        stream.on = False
        after = await until(
            client, lambda: autopilot.mode is not Mode.OFFBOARD, 6.0, "nothing happens"
        )
        seen = autopilot.status
        await client.sleep(1.0)
        stream.where = still(autopilot.position.position.copy())
        stream.on = True
        back = await until(
            client, lambda: autopilot.mode is Mode.OFFBOARD, 6.0, "it does not come back"
        )
        return seen, after, back

    seen, after, back = flying.run(work)
    assert seen.mode is mode
    assert seen.system_status == mavlink.MAV_STATE_CRITICAL
    assert limit - 0.2 < after < limit + 1.3
    assert back < 1.5


def test_words_are_for_a_ground_station(flying: Flying) -> None:
    """STATUSTEXT comes over a link with a ground station on it, and over no other."""

    async def lose(client: Client, stream: Stream) -> None:
        stream.on = False
        await until(client, lambda: client.autopilot.mode is Mode.HOLD, 6.0, "no failsafe")
        await client.sleep(1.0)
        stream.on = True
        await until(client, lambda: client.autopilot.mode is Mode.OFFBOARD, 6.0, "not back")

    async def work(client: Client, stream: Stream) -> tuple[list[str], list[str]]:
        await client.autopilot.parameter("COM_OF_LOSS_T", 1.0)
        await client.autopilot.parameter("COM_OBL_RC_ACT", 5)
        await lose(client, stream)
        silent = list(client.autopilot.texts)

        async def station() -> None:
            while True:
                beat = (mavlink.MAV_TYPE_GCS, mavlink.MAV_AUTOPILOT_INVALID, 0, 0, 4, 3)
                client.link.send(mavlink.MAVLink_heartbeat_message(*beat))
                await asyncio.sleep(0.2)

        there = asyncio.ensure_future(station())
        await client.sleep(3.0)
        await lose(client, stream)
        there.cancel()
        return silent, client.autopilot.texts

    silent, told = flying.run(work)
    assert silent == []
    assert "Failsafe activated" in told


def test_another_mode_wins(flying: Flying) -> None:
    async def work(client: Client, stream: Stream) -> Mode:
        await client.autopilot.set_mode(Mode.HOLD)
        await client.sleep(2.5)  # the stream goes on, and does not take it back
        return client.autopilot.mode

    assert flying.run(work) is Mode.HOLD


def test_a_mode_that_is_chosen_in_a_failsafe_stays(flying: Flying) -> None:
    async def work(client: Client, stream: Stream) -> Mode:
        autopilot = client.autopilot
        await autopilot.parameter("COM_OF_LOSS_T", 1.0)
        stream.on = False
        await until(client, lambda: autopilot.mode is Mode.RETURN, 6.0, "no failsafe")
        await autopilot.set_mode(Mode.HOLD)
        stream.on = True
        await client.sleep(2.0)
        return autopilot.mode

    assert flying.run(work) is Mode.HOLD


def test_hold_comes_to_rest(flying: Flying) -> None:
    async def work(client: Client, stream: Stream) -> Track:
        began, speed = client.clock.now(), np.array([3.0, 0.0, 0.0])
        stream.where = lambda now: Setpoint(HOME + speed * (now - began), speed, speed, NORTH)
        await client.sleep(4.0)
        await client.autopilot.set_mode(Mode.HOLD)
        track = Track(client)
        await client.sleep(7.0)
        track.stop()
        return track

    track = flying.run(work)
    assert track.velocities[0, 0] > 1.5
    assert np.linalg.norm(track.velocities[-1]) < 0.25
    # From 3 m/s it takes 3.7 m; the order and its echo take time too.
    assert 1.5 < track.positions[-1, 0] - track.positions[0, 0] < 5.0


def test_a_pilot_with_sticks(flying: Flying) -> None:
    """Has the manual modes; who goes away is a failsafe: it holds, and then returns."""

    async def work(client: Client, stream: Stream) -> tuple[list[int], float, Any, float]:
        autopilot = client.autopilot
        pilot = steering.sticks(client)
        await client.sleep(2.0)
        answers = [await order(client, mode) for mode in (Mode.ALTITUDE, Mode.POSITION)]
        await until(client, lambda: autopilot.mode is Mode.POSITION, 3.0, "not Position")
        pilot.cancel()
        held = await until(client, lambda: autopilot.mode is Mode.HOLD, 6.0, "it does not hold")
        status = autopilot.status
        gone = await until(client, lambda: autopilot.mode is Mode.RETURN, 12.0, "nor return")
        return answers, held, status, gone

    answers, held, status, gone = flying.run(work)
    assert answers == [ACCEPTED, ACCEPTED]
    assert 0.3 < held < 2.5
    assert status.system_status == mavlink.MAV_STATE_CRITICAL
    assert 3.5 < gone < 7.0  # COM_FAIL_ACT_T


def test_lands(flying: Flying) -> None:
    async def work(client: Client, stream: Stream) -> tuple[Track, list[Any], list[float]]:
        autopilot = client.autopilot
        track, states = Track(client), []
        client.link.on(
            "EXTENDED_SYS_STATE", lambda m: states.append((client.clock.now(), m.landed_state))
        )
        stream.stop()
        await autopilot.land()
        track.stop()
        return track, states, [client.clock.now()]

    track, states, disarmed = flying.run(work)
    height = track.positions[:, 2] - track.positions[-1, 2]
    down = track.velocities[:, 2]
    low = (height > 1.5) & (height < 4.0)
    assert down[low] == pytest.approx(-0.7, abs=0.2)
    assert down[height < 0.4].min() > -0.6
    assert down.min() > -1.6
    landed = next(when for when, state in states if state == GROUND)
    assert {state for when, state in states if when < landed - 0.5} >= {LANDING}
    assert 1.0 < disarmed[0] - landed < 3.5  # COM_DISARM_LAND


def test_a_vehicle_without_satellites_descends(flying: Flying) -> None:
    """By the autopilot's own failure injection: five seconds by dead reckoning, then down."""

    async def work(client: Client, stream: Stream) -> tuple[Any, ...]:
        autopilot = client.autopilot
        await set_interval(client.link, client.target, "ESTIMATOR_STATUS", 10.0)
        track, flags = Track(client), []
        client.link.on("ESTIMATOR_STATUS", lambda m: flags.append((client.clock.now(), m.flags)))
        began = client.clock.now()
        assert await answer(client, INJECT, *GPS_OFF) == ACCEPTED
        try:
            failed = await until(
                client, lambda: autopilot.mode is Mode.DESCEND, 12.0, "it flies on"
            )
            status = autopilot.status
            landed = await until(client, lambda: not autopilot.armed, 40.0, "it does not land")
        finally:
            assert await answer(client, INJECT, *GPS_ON) == ACCEPTED
        track.stop()
        await autopilot.set_mode(Mode.HOLD)
        recovered = await until(client, lambda: autopilot.positioned, 60.0, "it stays lost")
        return began, failed, status, landed, track, flags, recovered

    began, failed, status, landed, track, flags, _ = flying.run(work)
    assert 3.5 < failed < 8.0  # 5.1 s
    assert status.system_status == mavlink.MAV_STATE_CRITICAL
    assert 6.0 < landed < 30.0
    assert len(track.points) > 20 * (failed + landed)  # the local position goes on
    without = [when - began for when, flag in flags if not flag & mavlink.ESTIMATOR_POS_HORIZ_REL]
    assert 3.5 < without[0] < 8.0
    first = [flag for when, flag in flags if when < began + 3.0]
    assert all(flag & mavlink.ESTIMATOR_POS_HORIZ_ABS for flag in first)


# --- restarting ---


def test_restarts_on_order_or_says_no(vehicle: TestVehicle) -> None:
    """PX4's simulation refuses, its hardware restarts: then its time begins anew."""

    async def work(client: Client) -> None:
        restarts = client.clock.restarts
        result = await answer(client, mavlink.MAV_CMD_PREFLIGHT_REBOOT_SHUTDOWN, 1.0)
        if result == ACCEPTED:
            await until(client, lambda: client.clock.restarts > restarts, 10.0, "no restart")
            await asyncio.sleep(3.0)
            assert client.autopilot.status is not None
        else:
            assert result == mavlink.MAV_RESULT_DENIED

    vehicle.run(work)
