"""What happens when something goes wrong on the link: each fault against the simulated vehicle,
over UDP. ``docs/flight-faults.md`` is the same as a table."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from cinempc.flight.autopilot import FlightError
from cinempc.flight.commands import Target, command
from cinempc.flight.dialect import mavlink
from cinempc.flight.pilot import NotOurs, Phase
from cinempc.flight.px4 import Mode
from tests.flight import network
from tests.flight.flown import Flown, Station, ahead, flight, radio, run
from tests.flight.network import Controlled

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def process() -> Iterator[Controlled]:
    with network.controlled() as vehicle:
        yield vehicle


@pytest.fixture
def vehicle(process: Controlled) -> Controlled:
    """A new one, hovering at 8 m."""
    process.anew()
    return process


async def nothing_is_ordered(flown: Flown, mode: str) -> None:
    """Whatever is asked of the pilot now, the vehicle stays in the mode that somebody chose."""
    pilot = flown.pilot
    for order in (pilot.hold, pilot.land, pilot.return_home):
        with pytest.raises(NotOurs):
            await order()
    refused = pilot.refused_plans
    flown.direct()
    await flown.sleep(1.5)
    assert pilot.refused_plans > refused
    assert pilot.phase is not Phase.FLYING
    assert flown.vehicle.mode == mode


# --- packets ---


@pytest.mark.parametrize(
    ("faults", "off"),
    [
        ({"loss": 0.2}, 0.4),
        ({"jitter": 0.1}, 0.6),
        ({"duplicate": 0.5}, 0.4),
        ({"loss": 0.1, "jitter": 0.05, "duplicate": 0.2}, 0.6),
    ],
    ids=["lost", "reordered", "repeated", "all at once"],
)
def test_lost_reordered_and_repeated_packets(
    vehicle: Controlled, faults: dict[str, float], off: float
) -> None:
    """A fifth of all packets lost each way, or overtaking each other by up to 0.1 s, or coming
    twice: the vehicle is found and flown, the shot goes on, and nobody takes an old heartbeat for
    somebody who takes over. The vehicle is a little farther from the plan than on a good link."""

    async def story() -> None:
        with radio(vehicle) as bad:
            bad.both(**faults)
            async with flight(vehicle, radio=bad) as flown:
                await flown.begin()
                flown.off.clear()
                await flown.sleep(5.0)
                assert flown.pilot.over is None, flown.events
                assert flown.pilot.phase is Phase.FLYING, flown.events
                assert vehicle.mode == "OFFBOARD"
                assert flown.speed > 0.7
                assert float(np.sqrt(np.mean(np.square(flown.off)))) < off
                await flown.pilot.hold()
                assert vehicle.mode == "HOLD"

    run(story())


def test_a_link_that_is_late_is_not_flown_by(vehicle: Controlled) -> None:
    """Every packet 0.3 s late: the vehicle is found, but not flown, and the log says how late the
    link is."""

    async def story() -> None:
        with radio(vehicle) as bad:
            bad.both(delay=0.3)
            async with flight(vehicle, radio=bad) as flown:
                await flown.sleep(1.0)
                with pytest.raises(FlightError, match=r"the link is 0\.\d+ s late"):
                    await flown.pilot.fly()
                assert vehicle.mode == "HOLD"

    run(story())


def test_a_link_that_becomes_late_brings_the_vehicle_to_rest(vehicle: Controlled) -> None:
    """Packets become 0.3 s late in the middle of a shot: the vehicle comes to rest in OFFBOARD and
    plans are refused, until the link is fast enough again; the log says all three."""

    async def story() -> None:
        with radio(vehicle) as bad:
            async with flight(vehicle, radio=bad) as flown:
                await flown.begin()
                bad.both(delay=0.3)
                await flown.until(lambda: flown.said("late: coming to rest"))
                await flown.rests()
                assert vehicle.mode == "OFFBOARD"
                assert flown.said("a plan was refused")
                assert "late" in flown.pilot.state().health.problems[0]
                flown.stall()
                bad.both(delay=0.0)
                await flown.until(lambda: flown.said("the link is fast enough again"))
                await flown.sleep(0.5)
                flown.direct()
                await flown.until(lambda: flown.speed > 0.7, "it does not go on")

    run(story())


# --- silence ---


def test_a_short_silence_brings_the_vehicle_to_rest(vehicle: Controlled) -> None:
    """Nothing comes from the vehicle for a second: it comes to rest, for plans made without
    knowing where it is are refused; heard again, it is flown again."""

    async def story() -> None:
        with radio(vehicle) as bad:
            async with flight(vehicle, radio=bad) as flown:
                await flown.begin()
                bad.down.loss = 1.0
                await flown.until(lambda: flown.said("coming to rest"))
                assert flown.said("not heard for")
                refused = flown.pilot.refused_plans
                await flown.until(lambda: flown.pilot.refused_plans > refused)
                bad.down.loss = 0.0
                flown.stall()
                await flown.until(lambda: flown.said("the vehicle is heard again"))
                assert flown.pilot.phase is Phase.FLYING, flown.events
                await flown.rests()
                assert vehicle.mode == "OFFBOARD"
                flown.direct()
                await flown.until(lambda: flown.speed > 0.7, "it does not go on")

    run(story())


def test_a_link_that_is_cut(vehicle: Controlled) -> None:
    """Nothing passes any more: after 0.5 s the course comes to rest, after 2 s the stream ends and
    the log says so. The autopilot, which has lost the stream, does what COM_OBL_RC_ACT says. When
    the link is back nothing begins again by itself: without a stream PX4 stays where it is."""

    async def story() -> None:
        with radio(vehicle) as bad:
            async with flight(vehicle, radio=bad) as flown:
                assert flown.said("when the stream is lost for 1 s, the autopilot")
                await flown.begin()
                bad.both(loss=1.0)
                await flown.until(lambda: flown.pilot.over is not None)
                assert flown.said("coming to rest")
                assert "was not heard for 2." in str(flown.pilot.over)
                await flown.until(lambda: vehicle.mode == "RETURN")
                bad.both(loss=0.0)
                await flown.until(lambda: flown.pilot.autopilot.mode is Mode.RETURN)
                await nothing_is_ordered(flown, "RETURN")

    run(story())


def test_after_a_failsafe_the_stream_does_not_come_back(vehicle: Controlled) -> None:
    """Our packets do not reach the autopilot for more than COM_OF_LOSS_T: its failsafe acts, and
    the stream ends for it. PX4 would go back to OFFBOARD as soon as a stream came back, in the
    middle of its return: none comes. The log says that it was a failsafe."""

    async def story() -> None:
        with radio(vehicle) as bad:
            async with flight(vehicle, radio=bad) as flown:
                await flown.begin()
                bad.up.loss = 1.0
                await flown.until(lambda: flown.pilot.over is not None)
                assert flown.pilot.over == "a failsafe of the autopilot acts: the mode is Return"
                assert flown.said("the stream has ended: a failsafe of the autopilot acts")
                bad.up.loss = 0.0
                await flown.sleep(2.0)
                await nothing_is_ordered(flown, "RETURN")

    run(story())


# --- somebody else ---


@pytest.mark.parametrize("mode", [Mode.POSITION, Mode.HOLD, Mode.LAND], ids=str)
def test_somebody_changes_the_mode(vehicle: Controlled, mode: Mode) -> None:
    """RC or QGroundControl chooses another mode: the stream ends at once and the log says so. It
    does not begin again, no order changes the mode, and neither does the end of the pilot."""

    async def story() -> None:
        async with flight(vehicle) as flown, Station(vehicle) as station:
            await flown.begin()
            await station.choose(mode)
            chosen = flown.pilot.clock.now()
            await flown.until(lambda: flown.pilot.over is not None)
            assert flown.pilot.clock.now() - chosen < 1.5
            assert flown.pilot.over == f"somebody has taken over: the mode is {mode}"
            assert flown.said(f"the stream has ended: somebody has taken over: the mode is {mode}")
            counted = flown.pilot.link.component, []
            send = flown.pilot.link.send
            flown.pilot.link.send = lambda m: (counted[1].append(m.get_type()), send(m))
            await nothing_is_ordered(flown, mode.name)
            assert "SET_POSITION_TARGET_LOCAL_NED" not in counted[1]
            assert not flown.pilot.state().health.ready
        assert vehicle.mode == mode.name

    run(story())


def test_who_takes_over_after_the_flight_is_not_disturbed_either(vehicle: Controlled) -> None:
    """The shot is over and the vehicle holds: whoever takes it then has it, too."""

    async def story() -> None:
        async with flight(vehicle) as flown, Station(vehicle) as station:
            await flown.begin()
            await flown.pilot.hold()
            assert flown.pilot.phase is Phase.IDLE
            await station.choose(Mode.POSITION)
            await flown.until(lambda: flown.said("somebody has taken over: the mode is Position"))
            assert flown.pilot.report().over is not None
            await nothing_is_ordered(flown, "POSITION")
            # Only a new order to fly takes it back.
            flown.stall()
            await flown.pilot.fly()
            assert vehicle.mode == "OFFBOARD"
            assert flown.pilot.report().over is None

    run(story())


def test_who_takes_over_while_it_lands_keeps_it(vehicle: Controlled) -> None:
    """The pilot chooses another mode while the vehicle lands for us: the landing is not ordered
    again, and the order to land says why it ended."""

    async def story() -> None:
        async with flight(vehicle) as flown, Station(vehicle) as station:
            await flown.begin()
            landing = asyncio.ensure_future(flown.pilot.land())
            await flown.until(lambda: flown.pilot.autopilot.mode is Mode.LAND)
            await station.choose(Mode.POSITION)
            with pytest.raises(FlightError, match="somebody has taken over: the mode is Position"):
                await landing
            await nothing_is_ordered(flown, "POSITION")

    run(story())


def test_who_takes_over_during_the_take_off_keeps_it(vehicle: Controlled) -> None:
    """The pilot chooses another mode while the vehicle climbs: the take-off ends there with the
    reason, and the shot does not begin."""

    async def story() -> None:
        vehicle.ask("vehicle.autopilot.reboot()")
        async with flight(vehicle) as flown, Station(vehicle) as station:
            climbing = asyncio.ensure_future(flown.pilot.take_off(10.0))
            await flown.until(lambda: flown.pilot.autopilot.airborne)
            await flown.sleep(1.0)
            await station.choose(Mode.POSITION)
            with pytest.raises(FlightError, match="somebody has taken over: the mode is Position"):
                await climbing
            await nothing_is_ordered(flown, "POSITION")

    run(story())


def test_a_second_ground_station(vehicle: Controlled) -> None:
    """A ground station that comes to the link is told of once. It reads and listens as it likes
    and the shot goes on; nobody takes its messages for the vehicle's."""

    async def story() -> None:
        async with flight(vehicle) as flown:
            await flown.begin()
            async with Station(vehicle) as station:
                await flown.until(
                    lambda: flown.said("a ground station is on the link (system 255)")
                )
                told = flown.pilot.autopilot.status
                for _ in range(5):
                    # It plays the vehicle, badly.
                    station.link.send(
                        mavlink.MAVLink_local_position_ned_message(1, 1e4, 1e4, 0, 0, 0, 0)
                    )
                    await station.order(
                        mavlink.MAV_CMD_REQUEST_MESSAGE, mavlink.MAVLINK_MSG_ID_HOME_POSITION
                    )
                await flown.sleep(2.0)
                assert station.heartbeats > 3
            assert flown.count("a ground station") == 1
            assert flown.pilot.autopilot.status == told, flown.events
            assert flown.pilot.phase is Phase.FLYING, flown.events
            assert flown.speed > 0.7
            assert max(flown.off) < 1.0

    run(story())


# --- the vehicle ---


def test_the_autopilot_restarts(vehicle: Controlled) -> None:
    """The autopilot restarts in the air: the stream ends, the log says why, and nothing is ordered:
    what there is on the ground is for people to look at."""

    async def story() -> None:
        async with flight(vehicle) as flown:
            await flown.begin()
            vehicle.ask("vehicle.autopilot.reboot()")
            await flown.until(lambda: flown.pilot.over is not None)
            await flown.until(lambda: flown.said("the autopilot was restarted"))
            assert flown.said("the stream has ended")
            await flown.sleep(1.0)
            assert not vehicle.ask("vehicle.autopilot.armed")
            with pytest.raises(NotOurs):
                await flown.pilot.hold()
            with pytest.raises(FlightError, match="not armed"):
                await flown.pilot.fly()
            # Its messages come again as often as they did.
            await flown.until(
                lambda: vehicle.ask(
                    "5.0 in [r['ESTIMATOR_STATUS'] for r in vehicle.autopilot._rates.values()]"
                )
            )

    run(story())


def test_the_vehicle_loses_its_position(vehicle: Controlled) -> None:
    """GPS is lost (the autopilot's own failure injection): the stream ends, the autopilot descends
    by its failsafe, and is not told to hold, return or land, for which it has no position. The
    log says that the position was lost."""

    async def story() -> None:
        async with flight(vehicle) as flown, Station(vehicle) as station:
            await flown.pilot.autopilot.parameter("SYS_FAILURE_EN", 1)
            await flown.begin()
            await station.order(420, mavlink.FAILURE_UNIT_SENSOR_GPS, mavlink.FAILURE_TYPE_OFF)
            await flown.until(lambda: flown.pilot.over is not None)
            await flown.until(lambda: flown.said("the autopilot has lost its position"))
            assert flown.said("the stream has ended")
            await flown.until(lambda: vehicle.mode == "DESCEND")
            await flown.until(lambda: flown.pilot.autopilot.mode is Mode.DESCEND)
            await nothing_is_ordered(flown, "DESCEND")

    run(story())


# --- gimbal and camera ---


def test_the_gimbal_vanishes_and_comes_back(vehicle: Controlled) -> None:
    """The gimbal falls silent in the middle of a shot: the vehicle flies on, the camera is taken to
    look where it looked last, the log says so and the rig is not healthy; it is told where to
    look all the time, and the log says when it answers again."""

    async def story() -> None:
        async with flight(vehicle) as flown:
            await flown.begin()
            vehicle.vanish("device")
            await flown.until(lambda: flown.said("the gimbal has not reported its attitude"))
            assert flown.pilot.state().health.problems == ("the gimbal does not answer",)
            await flown.sleep(2.0)
            assert flown.pilot.phase is Phase.FLYING, flown.events
            assert flown.speed > 0.7
            assert all(map(math.isfinite, (*flown.pilot.state().camera_rates,)))
            vehicle.come_back("device")
            await flown.until(lambda: flown.said("the gimbal reports its attitude again"))
            await flown.until(lambda: flown.pilot.state().health.ready)
            assert flown.count("the gimbal has not reported") == 1

    run(story())


def test_somebody_takes_the_gimbal(vehicle: Controlled) -> None:
    """A second client takes control of the gimbal: it has it. The log says who, no attitude is sent
    any more, control is not taken back, and the vehicle flies on."""

    async def story() -> None:
        async with flight(vehicle) as flown, Station(vehicle) as station:
            await flown.begin()
            await station.order(
                mavlink.MAV_CMD_DO_GIMBAL_MANAGER_CONFIGURE, 255, station.link.component, -1, -1
            )
            await flown.until(lambda: flown.said("the gimbal was taken from us"))
            assert flown.said(f"component {station.link.component} of system 255")
            sent: list[str] = []
            send = flown.pilot.link.send
            flown.pilot.link.send = lambda m: (sent.append(m.get_type()), send(m))
            await flown.sleep(3.0)
            assert "SET_POSITION_TARGET_LOCAL_NED" in sent
            assert "GIMBAL_MANAGER_SET_ATTITUDE" not in sent
            assert vehicle.ask("vehicle.manager.owner") == (255, station.link.component)
            assert flown.pilot.phase is Phase.FLYING, flown.events
            assert "the gimbal is not ours" in flown.pilot.state().health.problems

    run(story())


def test_the_camera_vanishes_and_comes_back(vehicle: Controlled) -> None:
    """The camera falls silent in the middle of a shot: the vehicle flies on and the lens is
    planned as standing still; back, it is asked again what it can do, and pulled again. The log
    says both."""

    async def story() -> None:
        async with flight(vehicle) as flown:
            await flown.begin()
            assert not flown.pilot.report().held
            vehicle.vanish("camera")
            await flown.until(lambda: flown.said("the camera was not heard for 3 s"))
            assert len(flown.pilot.report().held) == 3
            await flown.sleep(1.0)
            assert flown.pilot.phase is Phase.FLYING, flown.events
            assert flown.speed > 0.7
            vehicle.come_back("camera")
            await flown.until(lambda: flown.said("the camera is back"))
            await flown.until(lambda: not flown.pilot.report().held)
            zoomed = replace(flown.pilot.state().lens, focal_length_mm=70.0)
            await flown.until(
                lambda: (
                    flown.pilot._camera.command_lens(zoomed)
                    or vehicle.ask("vehicle.camera.motors.state.focal_length_mm") > 60.0
                )
            )

    run(story())


# --- ourselves ---


def test_the_planner_stalls(vehicle: Controlled) -> None:
    """No new plan comes: the last one is flown to its end, and then the vehicle comes to rest and
    stands, in OFFBOARD, streamed at as before; the log says so, and when there is a plan again."""

    async def story() -> None:
        async with flight(vehicle) as flown:
            await flown.begin()
            flown.stall()
            await flown.until(lambda: flown.said("no new plan came and the last has run out"))
            await flown.rests()
            place = vehicle.position
            await flown.sleep(2.0)
            assert math.dist(place, vehicle.position) < 0.5
            assert vehicle.mode == "OFFBOARD"
            assert flown.pilot.over is None
            flown.direct()
            await flown.until(lambda: flown.said("there is a plan again"))
            await flown.until(lambda: flown.speed > 0.7, "it does not go on")

    run(story())


def test_bad_plans_are_refused(vehicle: Controlled) -> None:
    """Plans that are not all numbers, too fast, too far away, torn or old are refused with the
    reason; what is flown goes on. A flood of them is told once."""

    async def story() -> None:
        async with flight(vehicle) as flown:
            await flown.begin()
            pilot, whole = flown.pilot, flown.plan
            bad = {
                "not all numbers": lambda s: s.__setitem__((3, 0), math.nan),
                "it flies at": lambda s: s.__setitem__((slice(None), 3), 20.0),
                "from what is flown": lambda s: s.__setitem__((slice(None), 0), s[:, 0] + 8.0),
                "torn": lambda s: s.__setitem__((5, 0), s[5, 0] + 1.0),
            }
            for words, spoil in bad.items():
                for _ in range(5):
                    plan = ahead(whole, pilot.clock.now())
                    states = plan.states.copy()
                    spoil(states)
                    before = pilot.refused_plans
                    pilot.follow(replace(plan, states=states))
                    assert pilot.refused_plans == before + 1
                assert flown.said(words), (words, flown.events)
                assert flown.count(words) == 1
                pilot._refused_at = -math.inf  # as if it were long ago
            old = ahead(whole, pilot.clock.now())
            pilot.follow(replace(old, times=old.times - 60.0))
            assert flown.said("and now is")
            await flown.sleep(1.0)
            assert pilot.phase is Phase.FLYING
            assert flown.speed > 0.7
            assert max(flown.off) < 1.0

    run(story())


@pytest.mark.parametrize("where", ["stream", "gimbal"])
def test_a_fault_of_our_own(vehicle: Controlled, where: str) -> None:
    """A fault in the pilot itself ends the stream and the vehicle is told to hold; one in what the
    gimbal or the lens is told is said, and ends nothing."""

    async def story() -> None:
        async with flight(vehicle) as flown:
            await flown.begin()

            def broken(*_: object) -> None:
                raise RuntimeError("broken")

            if where == "stream":
                flown.pilot._course.setpoint = broken
                await flown.until(lambda: vehicle.mode == "HOLD")
                assert flown.pilot.over == "a fault in the pilot itself"
                assert flown.said("a fault in the pilot: RuntimeError('broken')")
            else:
                flown.pilot._gimbal.point = broken
                await flown.until(lambda: flown.said("the gimbal cannot be commanded"))
                await flown.sleep(1.0)
                assert flown.count("the gimbal cannot be commanded") == 1
                assert flown.pilot.phase is Phase.FLYING, flown.events
                assert vehicle.mode == "OFFBOARD"

    run(story())


def test_another_component_is_not_obeyed(vehicle: Controlled) -> None:
    """Only the autopilot's own messages count, not those of another component that says the
    same: nothing of them has any effect, and commands to us are nobody's to give."""

    async def story() -> None:
        async with flight(vehicle) as flown:
            await flown.begin()
            pilot = flown.pilot
            from tests.flight.peer import Peer, heartbeat, place

            liar = Peer(system=vehicle.system, component=77)
            before = pilot.autopilot.status, pilot.autopilot.landed, pilot.clock.restarts
            messages = [
                heartbeat(mode=Mode.MANUAL.custom),
                place(1, 1e3, 1e3, 0.0),
                mavlink.MAVLink_extended_sys_state_message(0, 1),
                mavlink.MAVLink_estimator_status_message(0, 0, *[0.0] * 8),
                mavlink.MAVLink_statustext_message(0, b"Failsafe activated"),
                mavlink.MAVLink_gimbal_manager_status_message(1, 0, 0, 255, 1, 0, 0),
                mavlink.MAVLink_command_long_message(
                    vehicle.system, 191, mavlink.MAV_CMD_DO_SET_MODE, 0, 1, 4, 6, 0, 0, 0, 0
                ),
                mavlink.MAVLink_timesync_message(5, 5),
            ]
            for _ in range(20):
                for message in messages:
                    pilot.link._take(liar.pack(message))
            assert (pilot.autopilot.status, pilot.autopilot.landed) == before[:2]
            assert pilot.clock.restarts == before[2]
            await flown.sleep(1.0)
            assert pilot.phase is Phase.FLYING
            assert vehicle.mode == "OFFBOARD"
            assert not flown.said("Failsafe")
            # And the vehicle knows nobody but us: an order to the camera of another system.
            async with Station(vehicle) as station:
                with pytest.raises(Exception, match="did not answer"):
                    await command(
                        station.link, Target(vehicle.system, 191), 400, 0.0, timeout=0.1, retries=2
                    )

    run(story())
