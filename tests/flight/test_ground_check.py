"""What is known on the ground ends a flight on the ground: nothing is ordered then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cinempc.app.fly import _check_devices
from cinempc.errors import CinempcError
from cinempc.flight.camera.reasons import RecordingFault
from cinempc.flight.camera.recording import RecordingError
from cinempc.flight.config import Flight, Recording
from cinempc.flight.pilot.reasons import FlightError, FlightReason
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.transport import LinkError
from cinempc.rig.log import Problem
from sim.mavlink.camera.behaviour import Behaviour, Lacks
from tests.fakes.events import Heard
from tests.fakes.vehicle import VirtualVehicle
from tests.fakes.virtual import VirtualTime
from tests.stories.flown import Flown, flight


def on_the_ground(test: Callable[[VirtualVehicle, Flown], Awaitable[None]], **options: Any) -> None:
    with VirtualTime() as virtual:
        vehicle = VirtualVehicle(virtual.clock, **options)

        async def story() -> None:
            async with flight(vehicle) as flown:
                await flown.until(lambda: flown.pilot.autopilot.positioned)
                await test(vehicle, flown)

        try:
            virtual.run(story())
        finally:
            vehicle.close()


def reasons_of(error: FlightError) -> set[Any]:
    return {each.reason for each in error.problem.data["reasons"] if isinstance(each, Problem)}


def test_a_camera_in_photo_mode_is_made_ready():
    async def test(vehicle: VirtualVehicle, flown: Flown) -> None:
        await flown.pilot.check(recording=True)
        assert vehicle.simulated.camera.mode == mavlink.CAMERA_MODE_VIDEO
        await flown.pilot.record(True)
        assert vehicle.simulated.camera.recording
        await flown.pilot.record(False)

    on_the_ground(test, behaviour=Behaviour(mode=mavlink.CAMERA_MODE_IMAGE))


def test_a_camera_that_cannot_record_is_told_before_the_take_off():
    async def test(vehicle: VirtualVehicle, flown: Flown) -> None:
        await flown.pilot.check(recording=False)
        with pytest.raises(RecordingError) as refused:
            await flown.pilot.check(recording=True)
        assert refused.value.problem.reason is RecordingFault.REFUSED
        assert not flown.pilot.autopilot.armed

    on_the_ground(test, lacks=Lacks.VIDEO)


@pytest.mark.parametrize("fault", ["taken", "silent"])
def test_without_the_gimbal_it_does_not_take_off(fault):
    async def test(vehicle: VirtualVehicle, flown: Flown) -> None:
        if fault == "taken":
            vehicle.simulated.manager.owner = (255, 190)
            reason = FlightReason.GIMBAL_TAKEN
        else:
            vehicle.vanish("device")
            reason = FlightReason.GIMBAL_SILENT
        gimbal = flown.pilot.devices.gimbal
        await flown.until(lambda: not (gimbal.healthy and gimbal.controls))
        await flown.until(lambda: gimbal.problems)
        for order in (flown.pilot.check(recording=False), flown.pilot.take_off(3.0)):
            with pytest.raises(FlightError) as refused:
                await order
            assert reason in reasons_of(refused.value)
            assert gimbal.problems[0].reason in reasons_of(refused.value)
        assert not flown.pilot.autopilot.armed
        assert vehicle.mode != "TAKEOFF"

    on_the_ground(test)


@pytest.mark.slow
def test_a_whole_rig_takes_off():
    async def test(vehicle: VirtualVehicle, flown: Flown) -> None:
        await flown.pilot.check(recording=True)
        await flown.pilot.take_off(3.0)
        assert vehicle.position[2] > 2.0

    on_the_ground(test)


class Rig:
    """As much of one as is asked before the flight."""

    def __init__(self, wrong: str | None = None) -> None:
        self.asked: list[bool] = []
        self._wrong = wrong

    def check(self, recording: bool = True) -> None:
        self.asked.append(recording)
        if recording and self._wrong is not None:
            raise LinkError(self._wrong)


def test_the_flights_file_says_whether_it_is_flown_without_a_recording():
    def config(recording: Recording) -> Flight:
        return Flight(name="test", connection="none", recording=recording)

    assert Flight(name="test", connection="none").recording is Recording.required
    with pytest.raises(CinempcError, match=r"no card.*recording: optional"):
        _check_devices(Rig("no card"), config(Recording.required))
    with Heard("cinempc.flight") as heard:
        _check_devices(Rig("no card"), config(Recording.optional))
    assert "no card" in str(heard)
    rig = Rig("no card")
    _check_devices(rig, config(Recording.off))
    assert rig.asked == [False]
    whole = Rig()
    _check_devices(whole, config(Recording.required))
    assert whole.asked == [False, True]
