"""What happens when something goes wrong on the link: each fault against the simulated vehicle,
in virtual time. ``docs/flight-faults.md`` is the same as a table."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace

import numpy as np
import pytest

from cinempc.flight.camera.reasons import CameraEvent, CameraReason
from cinempc.flight.gimbal.reasons import GimbalEvent, GimbalReason
from cinempc.flight.pilot.phases import FlightPhase
from cinempc.flight.pilot.reasons import (
    AutopilotEvent,
    FailsafeCause,
    FlightError,
    FlightReason,
    NotOurs,
    OrderReason,
    PilotEvent,
    PlanReason,
)
from cinempc.mavlink.commands import Target, command
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.px4 import Mode
from cinempc.rig.log import problem
from cinempc.safety.plan_check import PlanFault
from tests.fakes.vehicle import VirtualVehicle
from tests.fakes.virtual import VirtualTime
from tests.stories.flown import Flown, Station, ahead, flight


def taken_over(error: FlightError) -> Mode:
    """The mode that somebody else has chosen, by which an order was ended."""
    reason = error.problem.data["reason"]
    assert reason.reason is FlightReason.TAKEN_OVER
    return reason.data["mode"]


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
    assert pilot.phase is not FlightPhase.FLYING
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
    virtual: VirtualTime, vehicle: VirtualVehicle, faults: dict[str, float], off: float
) -> None:
    """A fifth of all packets lost each way, or overtaking each other by up to 0.1 s, or coming
    twice: the vehicle is found and flown, the shot goes on, and nobody takes an old heartbeat for
    somebody who takes over. The vehicle is a little farther from the plan than on a good link."""

    async def story() -> None:
        bad = vehicle.onboard
        bad.both(**faults)
        async with flight(vehicle) as flown:
            await flown.begin()
            flown.off.clear()
            await flown.sleep(5.0)
            assert flown.pilot.over is None, flown.heard
            assert flown.pilot.phase is FlightPhase.FLYING, flown.heard
            assert vehicle.mode == "OFFBOARD"
            assert flown.speed > 0.7
            assert float(np.sqrt(np.mean(np.square(flown.off)))) < off
            await flown.pilot.hold()
            assert vehicle.mode == "HOLD"

    virtual.run(story())


def test_a_link_that_is_late_is_not_flown_by(virtual: VirtualTime, vehicle: VirtualVehicle) -> None:
    """Every packet 0.3 s late: the vehicle is found, but not flown, and the log says how late the
    link is."""

    async def story() -> None:
        bad = vehicle.onboard
        bad.both(delay=0.3)
        async with flight(vehicle) as flown:
            await flown.sleep(1.0)
            with pytest.raises(FlightError) as refused:
                await flown.pilot.fly()
            assert refused.value.problem.reason is OrderReason.NOT_FLOWN
            (late,) = refused.value.problem.data["reasons"]
            assert late.reason is FlightReason.LATE
            assert late.data["delay"] > 0.25
            assert vehicle.mode == "HOLD"

    virtual.run(story())


def test_a_link_that_becomes_late_brings_the_vehicle_to_rest(
    virtual: VirtualTime, vehicle: VirtualVehicle
) -> None:
    """Packets become 0.3 s late in the middle of a shot: the vehicle comes to rest in OFFBOARD and
    plans are refused, until the link is fast enough again; the log says all three."""

    async def story() -> None:
        bad = vehicle.onboard
        async with flight(vehicle) as flown:
            await flown.begin()
            bad.both(delay=0.3)
            await flown.until(lambda: PilotEvent.LATE in flown.heard)
            await flown.rests()
            assert vehicle.mode == "OFFBOARD"
            assert PlanReason.LATE in flown.heard
            assert flown.pilot.state().health.problems[0].reason is FlightReason.LATE
            flown.stall()
            bad.both(delay=0.0)
            await flown.until(lambda: PilotEvent.PROMPT_AGAIN in flown.heard)
            await flown.sleep(0.5)
            flown.direct()
            await flown.until(lambda: flown.speed > 0.7, "it does not go on")

    virtual.run(story())


# --- silence ---


def test_a_short_silence_brings_the_vehicle_to_rest(
    virtual: VirtualTime, vehicle: VirtualVehicle
) -> None:
    """Nothing comes from the vehicle for a second: it comes to rest, for plans made without
    knowing where it is are refused; heard again, it is flown again."""

    async def story() -> None:
        bad = vehicle.onboard
        async with flight(vehicle) as flown:
            await flown.begin()
            bad.down.loss = 1.0
            await flown.until(lambda: PilotEvent.NOT_HEARD in flown.heard)
            refused = flown.pilot.refused_plans
            await flown.until(lambda: flown.pilot.refused_plans > refused)
            bad.down.loss = 0.0
            flown.stall()
            await flown.until(lambda: PilotEvent.HEARD_AGAIN in flown.heard)
            assert flown.pilot.phase is FlightPhase.FLYING, flown.heard
            await flown.rests()
            assert vehicle.mode == "OFFBOARD"
            flown.direct()
            await flown.until(lambda: flown.speed > 0.7, "it does not go on")

    virtual.run(story())


def test_a_link_that_is_cut(virtual: VirtualTime, vehicle: VirtualVehicle) -> None:
    """Nothing passes any more: after 0.5 s the trajectory comes to rest, after 2 s the stream ends
    and the log says so. The autopilot, which has lost the stream, does what COM_OBL_RC_ACT says.
    When the link is back nothing begins again by itself: without a stream PX4 stays where it is."""

    async def story() -> None:
        bad = vehicle.onboard
        async with flight(vehicle) as flown:
            (action,) = flown.heard.of(PilotEvent.LOSS_ACTION)
            assert action.data["after"] == 1.0
            await flown.begin()
            bad.both(loss=1.0)
            await flown.until(lambda: flown.pilot.over is not None)
            assert PilotEvent.NOT_HEARD in flown.heard
            assert flown.pilot.over.reason is FlightReason.NOT_HEARD
            assert 2.0 < flown.pilot.over.data["silence"] < 2.2
            await flown.until(lambda: vehicle.mode == "RETURN")
            bad.both(loss=0.0)
            await flown.until(lambda: flown.pilot.autopilot.mode is Mode.RETURN)
            await nothing_is_ordered(flown, "RETURN")

    virtual.run(story())


def test_after_a_failsafe_the_stream_does_not_come_back(
    virtual: VirtualTime, vehicle: VirtualVehicle
) -> None:
    """Our packets do not reach the autopilot for more than COM_OF_LOSS_T: its failsafe acts, and
    the stream ends for it. PX4 would go back to OFFBOARD as soon as a stream came back, in the
    middle of its return: none comes. The log says that it was a failsafe."""

    async def story() -> None:
        bad = vehicle.onboard
        async with flight(vehicle) as flown:
            await flown.begin()
            bad.up.loss = 1.0
            await flown.until(lambda: flown.pilot.over is not None)
            cause = problem(FailsafeCause.UNKNOWN)
            assert flown.pilot.over == problem(FlightReason.FAILSAFE, mode=Mode.RETURN, cause=cause)
            (ended,) = flown.heard.of(PilotEvent.STREAM_ENDED)
            assert ended.data["reason"] == flown.pilot.over
            bad.up.loss = 0.0
            await flown.sleep(2.0)
            await nothing_is_ordered(flown, "RETURN")

    virtual.run(story())


# --- somebody else ---


@pytest.mark.parametrize("mode", [Mode.POSITION, Mode.HOLD, Mode.LAND], ids=str)
def test_somebody_changes_the_mode(
    virtual: VirtualTime, vehicle: VirtualVehicle, mode: Mode
) -> None:
    """RC or QGroundControl chooses another mode: the stream ends at once and the log says so. It
    does not begin again, no order changes the mode, and neither does the end of the pilot."""

    async def story() -> None:
        async with flight(vehicle) as flown, Station(vehicle) as station:
            await flown.begin()
            await station.choose(mode)
            chosen = flown.pilot.clock.now()
            await flown.until(lambda: flown.pilot.over is not None)
            assert flown.pilot.clock.now() - chosen < 1.5
            assert flown.pilot.over == problem(FlightReason.TAKEN_OVER, mode=mode)
            (ended,) = flown.heard.of(PilotEvent.STREAM_ENDED)
            assert ended.data["reason"] == flown.pilot.over
            counted = flown.pilot.link.component, []
            send = flown.pilot.link.send
            flown.pilot.link.send = lambda m: (counted[1].append(m.get_type()), send(m))
            await nothing_is_ordered(flown, mode.name)
            assert "SET_POSITION_TARGET_LOCAL_NED" not in counted[1]
            assert not flown.pilot.state().health.ready
        assert vehicle.mode == mode.name

    virtual.run(story())


def test_who_takes_over_after_the_flight_is_not_disturbed_either(
    virtual: VirtualTime, vehicle: VirtualVehicle
) -> None:
    """The shot is over and the vehicle holds: whoever takes it then has it, too."""

    async def story() -> None:
        async with flight(vehicle) as flown, Station(vehicle) as station:
            await flown.begin()
            await flown.pilot.hold()
            assert flown.pilot.phase is FlightPhase.IDLE
            await station.choose(Mode.POSITION)
            await flown.until(lambda: PilotEvent.TAKEN_OVER in flown.heard)
            assert FlightReason.TAKEN_OVER in flown.heard
            assert flown.pilot.report().over is not None
            await nothing_is_ordered(flown, "POSITION")
            # Only a new order to fly takes it back.
            flown.stall()
            await flown.pilot.fly()
            assert vehicle.mode == "OFFBOARD"
            assert flown.pilot.report().over is None

    virtual.run(story())


def test_who_takes_over_while_it_lands_keeps_it(
    virtual: VirtualTime, vehicle: VirtualVehicle
) -> None:
    """The pilot chooses another mode while the vehicle lands for us: the landing is not ordered
    again, and the order to land says why it ended."""

    async def story() -> None:
        async with flight(vehicle) as flown, Station(vehicle) as station:
            await flown.begin()
            landing = asyncio.ensure_future(flown.pilot.land())
            await flown.until(lambda: flown.pilot.autopilot.mode is Mode.LAND)
            await station.choose(Mode.POSITION)
            with pytest.raises(FlightError) as interrupted:
                await landing
            assert taken_over(interrupted.value) is Mode.POSITION
            await nothing_is_ordered(flown, "POSITION")

    virtual.run(story())


def test_who_takes_over_during_the_take_off_keeps_it(
    virtual: VirtualTime, vehicle: VirtualVehicle
) -> None:
    """The pilot chooses another mode while the vehicle climbs: the take-off ends there with the
    reason, and the shot does not begin."""

    async def story() -> None:
        vehicle.simulated.autopilot.reboot()
        async with flight(vehicle) as flown, Station(vehicle) as station:
            climbing = asyncio.ensure_future(flown.pilot.take_off(10.0))
            await flown.until(lambda: flown.pilot.autopilot.airborne)
            await flown.sleep(1.0)
            await station.choose(Mode.POSITION)
            with pytest.raises(FlightError) as interrupted:
                await climbing
            assert taken_over(interrupted.value) is Mode.POSITION
            await nothing_is_ordered(flown, "POSITION")

    virtual.run(story())


def test_a_second_ground_station(virtual: VirtualTime, vehicle: VirtualVehicle) -> None:
    """A ground station that comes to the link is told of once. It reads and listens as it likes
    and the shot goes on; nobody takes its messages for the vehicle's."""

    async def story() -> None:
        async with flight(vehicle) as flown:
            await flown.begin()
            async with Station(vehicle) as station:
                await flown.until(lambda: AutopilotEvent.GROUND_STATION in flown.heard)
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
            assert flown.heard.of(AutopilotEvent.GROUND_STATION)[0].data == {"system": 255}
            assert flown.heard.count(AutopilotEvent.GROUND_STATION) == 1
            assert flown.pilot.autopilot.status == told, flown.heard
            assert flown.pilot.phase is FlightPhase.FLYING, flown.heard
            assert flown.speed > 0.7
            assert max(flown.off) < 1.0

    virtual.run(story())


# --- the vehicle ---


def test_the_autopilot_restarts(virtual: VirtualTime, vehicle: VirtualVehicle) -> None:
    """The autopilot restarts in the air: the stream ends, the log says why, and nothing is ordered:
    what there is on the ground is for people to look at."""

    async def story() -> None:
        async with flight(vehicle) as flown:
            await flown.begin()
            vehicle.simulated.autopilot.reboot()
            await flown.until(lambda: flown.pilot.over is not None)
            await flown.until(lambda: AutopilotEvent.RESTARTED in flown.heard)
            assert flown.pilot.over.reason in (FlightReason.RESTARTED, FlightReason.DISARMED)
            assert PilotEvent.STREAM_ENDED in flown.heard
            await flown.sleep(1.0)
            assert not vehicle.simulated.autopilot.armed
            with pytest.raises(NotOurs):
                await flown.pilot.hold()
            with pytest.raises(FlightError) as refused:
                await flown.pilot.fly()
            assert refused.value.problem.reason is OrderReason.NOT_ARMED
            # Its messages come again as often as they did.
            await flown.until(
                lambda: any(
                    rates["ESTIMATOR_STATUS"] == 5.0
                    for rates in vehicle.simulated.autopilot.schedule.rates.values()
                )
            )

    virtual.run(story())


def test_the_vehicle_loses_its_position(virtual: VirtualTime, vehicle: VirtualVehicle) -> None:
    """GPS is lost (the autopilot's own failure injection): the stream ends, the autopilot descends
    by its failsafe, and is not told to hold, return or land, for which it has no position. The
    log says that the position was lost."""

    async def story() -> None:
        async with flight(vehicle) as flown, Station(vehicle) as station:
            await flown.pilot.autopilot.parameter("SYS_FAILURE_EN", 1)
            await flown.begin()
            await station.order(420, mavlink.FAILURE_UNIT_SENSOR_GPS, mavlink.FAILURE_TYPE_OFF)
            await flown.until(lambda: flown.pilot.over is not None)
            await flown.until(lambda: AutopilotEvent.POSITION_LOST in flown.heard)
            assert flown.pilot.over.reason in (FlightReason.POSITION_LOST, FlightReason.FAILSAFE)
            assert PilotEvent.STREAM_ENDED in flown.heard
            await flown.until(lambda: vehicle.mode == "DESCEND")
            await flown.until(lambda: flown.pilot.autopilot.mode is Mode.DESCEND)
            await nothing_is_ordered(flown, "DESCEND")

    virtual.run(story())


# --- gimbal and camera ---


def test_the_gimbal_vanishes_and_comes_back(virtual: VirtualTime, vehicle: VirtualVehicle) -> None:
    """The gimbal falls silent in the middle of a shot: the vehicle flies on, the camera is taken to
    look where it looked last, the log says so and the rig is not healthy; it is told where to
    look all the time, and the log says when it answers again."""

    async def story() -> None:
        async with flight(vehicle) as flown:
            await flown.begin()
            vehicle.vanish("device")
            await flown.until(lambda: GimbalReason.SILENT in flown.heard)
            assert flown.pilot.state().health.problems == (problem(FlightReason.GIMBAL_SILENT),)
            await flown.sleep(2.0)
            assert flown.pilot.phase is FlightPhase.FLYING, flown.heard
            assert flown.speed > 0.7
            assert all(map(math.isfinite, (*flown.pilot.state().camera_rates,)))
            vehicle.come_back("device")
            await flown.until(lambda: GimbalEvent.REPORTS_AGAIN in flown.heard)
            await flown.until(lambda: flown.pilot.state().health.ready)
            assert flown.heard.count(GimbalReason.SILENT) == 1

    virtual.run(story())


def test_somebody_takes_the_gimbal(virtual: VirtualTime, vehicle: VirtualVehicle) -> None:
    """A second client takes control of the gimbal: it has it. The log says who, no attitude is sent
    any more, control is not taken back, and the vehicle flies on."""

    async def story() -> None:
        async with flight(vehicle) as flown, Station(vehicle) as station:
            await flown.begin()
            await station.order(
                mavlink.MAV_CMD_DO_GIMBAL_MANAGER_CONFIGURE, 255, station.link.component, -1, -1
            )
            await flown.until(lambda: GimbalReason.TAKEN in flown.heard)
            (taken,) = flown.heard.of(GimbalReason.TAKEN)
            assert taken.data["problem"].data["owner"] == (255, station.link.component)
            sent: list[str] = []
            send = flown.pilot.link.send
            flown.pilot.link.send = lambda m: (sent.append(m.get_type()), send(m))
            await flown.sleep(3.0)
            assert "SET_POSITION_TARGET_LOCAL_NED" in sent
            assert "GIMBAL_MANAGER_SET_ATTITUDE" not in sent
            assert vehicle.simulated.manager.owner == (255, station.link.component)
            assert flown.pilot.phase is FlightPhase.FLYING, flown.heard
            assert problem(FlightReason.GIMBAL_TAKEN) in flown.pilot.state().health.problems

    virtual.run(story())


def test_the_camera_vanishes_and_comes_back(virtual: VirtualTime, vehicle: VirtualVehicle) -> None:
    """The camera falls silent in the middle of a shot: the vehicle flies on and the lens is
    planned as standing still; back, it is asked again what it can do, and pulled again. The log
    says both."""

    async def story() -> None:
        async with flight(vehicle) as flown:
            await flown.begin()
            assert not flown.pilot.report().held
            vehicle.vanish("camera")
            await flown.until(lambda: CameraReason.SILENT in flown.heard)
            assert len(flown.pilot.report().held) == 3
            await flown.sleep(1.0)
            assert flown.pilot.phase is FlightPhase.FLYING, flown.heard
            assert flown.speed > 0.7
            vehicle.come_back("camera")
            await flown.until(lambda: CameraEvent.BACK in flown.heard)
            await flown.until(lambda: not flown.pilot.report().held)
            zoomed = replace(flown.pilot.state().lens, focal_length_mm=70.0)
            await flown.until(
                lambda: (
                    flown.pilot.devices.camera.command_lens(zoomed)
                    or vehicle.simulated.camera.motors.state.focal_length_mm > 60.0
                )
            )

    virtual.run(story())


# --- ourselves ---


def test_the_planner_stalls(virtual: VirtualTime, vehicle: VirtualVehicle) -> None:
    """No new plan comes: the last one is flown to its end, and then the vehicle comes to rest and
    stands, in OFFBOARD, streamed at as before; the log says so, and when there is a plan again."""

    async def story() -> None:
        async with flight(vehicle) as flown:
            await flown.begin()
            flown.stall()
            await flown.until(lambda: PilotEvent.PLANS_RAN_OUT in flown.heard)
            await flown.rests()
            place = vehicle.position
            await flown.sleep(2.0)
            assert math.dist(place, vehicle.position) < 0.5
            assert vehicle.mode == "OFFBOARD"
            assert flown.pilot.over is None
            flown.direct()
            await flown.until(lambda: PilotEvent.PLAN_AGAIN in flown.heard)
            await flown.until(lambda: flown.speed > 0.7, "it does not go on")

    virtual.run(story())


def test_bad_plans_are_refused(virtual: VirtualTime, vehicle: VirtualVehicle) -> None:
    """Plans that are not all numbers, too fast, too far away, torn or old are refused with the
    reason; what is flown goes on. A flood of them is told once."""

    async def story() -> None:
        async with flight(vehicle) as flown:
            await flown.begin()
            pilot, whole = flown.pilot, flown.plan
            bad = {
                PlanFault.NOT_NUMBERS: lambda s: s.__setitem__((3, 0), math.nan),
                PlanFault.SPEED: lambda s: s.__setitem__((slice(None), 3), 20.0),
                PlanFault.FAR: lambda s: s.__setitem__((slice(None), 0), s[:, 0] + 8.0),
                PlanFault.TORN: lambda s: s.__setitem__((5, 0), s[5, 0] + 1.0),
            }
            for fault, spoil in bad.items():
                for _ in range(5):
                    plan = ahead(whole, pilot.clock.now())
                    states = plan.states.copy()
                    spoil(states)
                    before = pilot.refused_plans
                    pilot.follow(replace(plan, states=states))
                    assert pilot.refused_plans == before + 1
                assert flown.heard.count(fault) == 1, (fault, flown.heard)
                pilot._refused_at = -math.inf  # as if it were long ago
            old = ahead(whole, pilot.clock.now())
            pilot.follow(replace(old, times=old.times - 60.0))
            assert PlanFault.ANOTHER_TIME in flown.heard
            await flown.sleep(1.0)
            assert pilot.phase is FlightPhase.FLYING
            assert flown.speed > 0.7
            assert max(flown.off) < 1.0

    virtual.run(story())


@pytest.mark.parametrize("where", ["stream", "gimbal"])
def test_a_fault_of_our_own(virtual: VirtualTime, vehicle: VirtualVehicle, where: str) -> None:
    """A fault in the pilot itself ends the stream and the vehicle is told to hold; one in what the
    gimbal or the lens is told is said, and ends nothing."""

    async def story() -> None:
        async with flight(vehicle) as flown:
            await flown.begin()

            def broken(*_: object) -> None:
                raise RuntimeError("broken")

            if where == "stream":
                flown.pilot._trajectory.setpoint = broken
                await flown.until(lambda: vehicle.mode == "HOLD")
                assert flown.pilot.over == problem(FlightReason.FAULT)
                (fault,) = flown.heard.of(PilotEvent.FAULT)
                assert fault.data["error"] == "RuntimeError('broken')"
            else:
                flown.pilot.devices.gimbal.point = broken
                await flown.until(lambda: PilotEvent.NOT_COMMANDED in flown.heard)
                await flown.sleep(1.0)
                (fault,) = flown.heard.of(PilotEvent.NOT_COMMANDED)
                assert fault.data["part"] == "gimbal"
                assert flown.pilot.phase is FlightPhase.FLYING, flown.heard
                assert vehicle.mode == "OFFBOARD"

    virtual.run(story())


def test_another_component_is_not_obeyed(virtual: VirtualTime, vehicle: VirtualVehicle) -> None:
    """Only the autopilot's own messages count, not those of another component that says the
    same: nothing of them has any effect, and commands to us are nobody's to give."""

    async def story() -> None:
        async with flight(vehicle) as flown:
            await flown.begin()
            pilot = flown.pilot
            from tests.fakes.peer import Peer, heartbeat, place

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
            assert pilot.phase is FlightPhase.FLYING
            assert vehicle.mode == "OFFBOARD"
            assert AutopilotEvent.WARNED not in flown.heard
            # And the vehicle knows nobody but us: an order to the camera of another system.
            async with Station(vehicle) as station:
                with pytest.raises(Exception, match="did not answer"):
                    await command(
                        station.link, Target(vehicle.system, 191), 400, 0.0, timeout=0.1, retries=2
                    )

    virtual.run(story())


@pytest.mark.parametrize("way", ["refused", "before", "late link"])
def test_a_flight_that_was_never_in_control_orders_nothing(
    virtual: VirtualTime, vehicle: VirtualVehicle, way: str
) -> None:
    """The vehicle hovers in somebody's hands, and a flight is refused: neither it nor its end
    changes anything of that."""

    async def story() -> None:
        async with flight(vehicle) as flown:
            pilot = flown.pilot
            await flown.sleep(1.0)
            if way == "refused":
                with pytest.raises(FlightError) as refused:
                    await pilot.take_off(3.0)
                assert refused.value.problem.reason is OrderReason.IN_THE_AIR
            elif way == "late link":
                vehicle.onboard.both(delay=0.3)
                await flown.until(lambda: not pilot.state().health.ready)
                with pytest.raises(FlightError):
                    await pilot.fly()
            assert not pilot.report().controls
            for order in (pilot.hold, pilot.land, pilot.return_home):
                with pytest.raises(NotOurs) as not_ours:
                    await order()
                reason = not_ours.value.problem.data["reason"]
                assert reason.reason is FlightReason.NOT_IN_CONTROL
        assert vehicle.mode == "HOLD"
        assert vehicle.position[2] == pytest.approx(8.0, abs=0.5)

    virtual.run(story())


def test_a_battery_that_runs_low_is_said_and_why_the_failsafe_acts(
    virtual: VirtualTime, vehicle: VirtualVehicle
) -> None:
    """It empties in flight: said in steps, and when the autopilot returns for it, that is why."""

    async def story() -> None:
        autopilot = vehicle.simulated.autopilot
        async with flight(vehicle) as flown:
            await flown.begin()
            for share in (0.62, 0.34, 0.14):
                autopilot.battery = share
                await flown.sleep(1.5)
            said = flown.heard.of(AutopilotEvent.BATTERY)
            low = flown.heard.of(AutopilotEvent.BATTERY_LOW)
            assert [event.data["share"] for event in (*said, *low)] == [0.62, 0.34, 0.14]
            autopilot.fall_back(Mode.RETURN)
            await flown.until(lambda: flown.pilot.over is not None)
            assert flown.pilot.over.reason is FlightReason.FAILSAFE
            cause = flown.pilot.over.data["cause"]
            assert cause == problem(FailsafeCause.BATTERY, share=0.14)

    virtual.run(story())
