"""The real rig: the pilot in its own process, and what becomes of the vehicle when either end of
the channel goes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from cinempc.flight.config import Flight
from cinempc.flight.pilot.phases import FlightPhase
from cinempc.flight.pilot.reasons import FlightOver, FlightReason, PilotEvent
from cinempc.flight.rig import FlightRig
from cinempc.mavlink.px4 import Mode
from cinempc.mavlink.transport import LinkError
from cinempc.rig.log import problem
from tests.fakes.events import Heard
from tests.live import network
from tests.live.network import ROOT, Controlled, free_port
from tests.live.processes import start
from tests.stories.flown import (
    CAMERA,
    SAFETY,
    VEHICLE,
    Station,
    ahead,
    circle_from,
)


@pytest.fixture(scope="module")
def process() -> Iterator[Controlled]:
    with network.controlled() as vehicle:
        yield vehicle


@pytest.fixture
def vehicle(process: Controlled) -> Controlled:
    process.anew()
    return process


#: Longest that anything may take, wall s: the machine may be busy.
PATIENCE = 60.0


def rig_on(vehicle: Controlled, port: int | None = None) -> FlightRig:
    address = f"udpin:127.0.0.1:{14540 + vehicle.instance if port is None else port}"
    rig = FlightRig(Flight(name="test", connection=address), VEHICLE, CAMERA, SAFETY)
    until(lambda: rig.state().health.ready)
    return rig


def until(done: Callable[[], object], what: str = "it did not come to pass") -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@contextlib.contextmanager
def chosen(vehicle: Controlled, mode: Mode) -> Iterator[None]:
    """A person chooses a mode and keeps hold of the sticks: a manual one does not last without."""
    held, over = threading.Event(), threading.Event()

    async def story() -> None:
        async with Station(vehicle) as station:
            await station.choose(mode)
            held.set()
            while not over.is_set():
                await asyncio.sleep(0.05)

    person = threading.Thread(target=asyncio.run, args=(story(),))
    person.start()
    try:
        assert held.wait(PATIENCE), "the mode is not taken"
        yield
    finally:
        over.set()
        person.join()


def test_closing_leaves_a_vehicle_that_is_flown_in_hold(vehicle: Controlled) -> None:
    """The end of the program, in order or by Ctrl-C: the vehicle holds."""
    with Heard() as heard, rig_on(vehicle) as rig:
        rig.fly()
        plan = circle_from(rig.state(), rig.now() + 0.4)
        rig.follow(ahead(plan, rig.now()))
        rig.wait_until(rig.now() + 1.0)
        assert rig.report.phase is FlightPhase.FLYING
        assert vehicle.mode == "OFFBOARD"
        assert rig.report.refused_plans == 0, heard
    assert vehicle.mode == "HOLD"
    rig.close()  # once more does nothing
    with pytest.raises(LinkError):
        rig.hold()


def test_closing_leaves_who_took_over_alone(vehicle: Controlled) -> None:
    """The mode that a person chose stays, whatever the program still orders and however it ends."""
    with contextlib.ExitStack() as person, Heard() as heard:
        with rig_on(vehicle) as rig:
            rig.fly()
            person.enter_context(chosen(vehicle, Mode.POSITION))
            until(lambda: rig.report.over is not None)
            taken = problem(FlightReason.TAKEN_OVER, mode=Mode.POSITION)
            plan = circle_from(rig.state(), rig.now() + 0.4)
            for order in (
                lambda: rig.follow(ahead(plan, rig.now())),
                lambda: rig.wait_until(rig.now() + 1.0),
                rig.hold,
                rig.land,
                rig.return_home,
            ):
                with pytest.raises(FlightOver) as over:
                    order()
                assert over.value.problem.data["reason"] == taken
            (ended,) = heard.of(PilotEvent.STREAM_ENDED)  # as it was in the pilot's process
            assert ended.data["reason"] == taken
        time.sleep(0.5)
        assert vehicle.mode == "POSITION"


PLANNER = """
import sys, time
from cinempc.flight.config import Flight
from cinempc.flight.rig import FlightRig
from tests.stories.flown import CAMERA, SAFETY, VEHICLE
rig = FlightRig(Flight(name="test", connection=sys.argv[1]), VEHICLE, CAMERA, SAFETY)
while not rig.state().health.ready:
    time.sleep(0.1)
rig.fly()
print(rig._process.pid, flush=True)
time.sleep(600)
"""


CIRCLING = """
import sys, time
import numpy as np
from cinempc.flight.config import Flight
from cinempc.flight.rig import FlightRig
from tests.stories.flown import CAMERA, SAFETY, VEHICLE, ahead, circle_from, _circle, SPEED
_circle(SPEED)
rig = FlightRig(Flight(name="test", connection=sys.argv[1]), VEHICLE, CAMERA, SAFETY)
while not rig.state().health.ready:
    time.sleep(0.1)
rig.fly()
print("flies", flush=True)
begun = -100.0
while True:
    state = rig.state()
    if np.linalg.norm(state.velocity) < 0.2 and rig.now() - begun > 2.0:
        begun = rig.now()
        plan = circle_from(state, begun + 0.4)
    rig.follow(ahead(plan, rig.now()))
    time.sleep(0.1)
"""


def test_the_planning_process_is_stopped_for_a_while(vehicle: Controlled) -> None:
    """For 7 s, as by a machine that swaps: the pilot comes to rest and streams on; the program
    knows that it was itself that stood still, and plans on."""
    process = start(
        [sys.executable, "-c", CIRCLING, f"udpin:127.0.0.1:{14540 + vehicle.instance}"],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "flies"
        until(lambda: vehicle.speed > 1.0, "it does not begin")
        process.send_signal(signal.SIGSTOP)
        time.sleep(7.0)
        assert vehicle.mode == "OFFBOARD"
        assert vehicle.speed < 0.3
        process.send_signal(signal.SIGCONT)
        until(lambda: vehicle.speed > 1.0, "it does not go on")
        assert process.poll() is None
        assert vehicle.mode == "OFFBOARD"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    until(lambda: vehicle.mode == "HOLD")


@pytest.mark.parametrize("how", ["killed", "hung up"])
def test_the_planning_process_dies(vehicle: Controlled, how: str) -> None:
    """The process that plans is killed, or its terminal is closed, which ends both: the pilot sees
    it, tells the vehicle to hold, and ends."""
    process = start(
        [sys.executable, "-c", PLANNER, f"udpin:127.0.0.1:{14540 + vehicle.instance}"],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        cwd=ROOT,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        pilot = int(process.stdout.readline())
        assert vehicle.mode == "OFFBOARD"
        if how == "killed":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGHUP)
        process.wait(PATIENCE)
        until(lambda: vehicle.mode == "HOLD", "the vehicle is not held")
        until(lambda: not _alive(pilot), "the pilot does not end")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_pilot_dies(vehicle: Controlled) -> None:
    """The pilot's process is killed: the program is told at once. The autopilot has lost the stream
    and does what COM_OBL_RC_ACT says."""
    rig = rig_on(vehicle)
    try:
        rig.fly()
        os.kill(rig._process.pid, signal.SIGKILL)
        with pytest.raises(LinkError, match="the pilot's process has ended"):
            rig.wait_until(rig.now() + 60.0)
        until(lambda: vehicle.mode == "RETURN")
    finally:
        rig.close()


def test_the_pilot_is_asked_to_end(vehicle: Controlled) -> None:
    """SIGTERM to the pilot alone, as from a system that shuts down: it lets the vehicle hold."""
    rig = rig_on(vehicle)
    try:
        rig.fly()
        os.kill(rig._process.pid, signal.SIGTERM)
        until(lambda: vehicle.mode == "HOLD")
        with pytest.raises(LinkError, match="has ended"):
            rig.wait_until(rig.now() + 60.0)
    finally:
        rig.close()


def test_a_pilot_that_is_stuck_is_noticed(vehicle: Controlled) -> None:
    """No report for 5 s: nobody plans on by a state that is old."""
    rig = rig_on(vehicle)
    try:
        os.kill(rig._process.pid, signal.SIGSTOP)
        with pytest.raises(LinkError, match="reports nothing"):
            rig.wait_until(rig.now() + 600.0)
    finally:
        os.kill(rig._process.pid, signal.SIGCONT)
        rig.close()


def test_nobody_there() -> None:
    """The message says what to look at."""
    config = Flight(name="test", connection=f"udpin:127.0.0.1:{free_port()}")
    with pytest.raises(LinkError, match="no PX4 was heard on udpin"):
        FlightRig(config, VEHICLE, CAMERA, SAFETY)


def test_a_busy_controller_does_not_delay_the_stream(vehicle: Controlled) -> None:
    """All the threads of the planning process work without a pause, and it sends plans meanwhile:
    the vehicle still gets at least 20 setpoints a second of its time, each of finite numbers,
    later than the one before. (How regularly they come is measured by ``cinempc bench stream``.)
    """
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            sum(range(20000))

    with Heard() as heard, rig_on(vehicle) as rig:
        rig.fly()
        plan = circle_from(rig.state(), rig.now() + 0.4)
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        vehicle.hear_anew()
        began = rig.now()
        try:
            while rig.now() < began + 6.0:
                rig.follow(ahead(plan, rig.now()))
                time.sleep(0.05)
            lasted = rig.now() - began
            messages = vehicle.heard()
            assert rig.report.phase is FlightPhase.FLYING
            assert rig.report.refused_plans == 0, heard
        finally:
            over.set()
            for thread in threads:
                thread.join()
    assert vehicle.mode == "HOLD"
    assert ((np.diff([number for number, _ in messages]) % 256) == 1).all()
    setpoints = [values for _, values in messages if values]
    assert len(setpoints) / lasted >= 20
    assert np.isfinite(setpoints).all()
