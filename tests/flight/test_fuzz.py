"""Hostile packets, by the hundred thousand: none crashes anything, none from the wrong sender has
any effect, and what those from the right one say reaches the controller as possible numbers or
not at all.

``CINEMPC_FUZZ`` is how many (default: what a busy machine does in a minute or two); a million were
sent before this was released.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import os
import pickle
import time
from typing import Any

import numpy as np
import pytest

from cinempc.flight.camera.client import CameraClient
from cinempc.flight.config import Flight
from cinempc.flight.gimbal.control import Control
from cinempc.flight.gimbal.driver import make_gimbal
from cinempc.flight.gimbal.fallback import FallbackGimbal
from cinempc.flight.pilot.phases import Authority, FlightPhase, FlightState
from cinempc.flight.pilot.pilot import Pilot
from cinempc.flight.pilot.reasons import AutopilotEvent, PilotEvent
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.link import Link
from cinempc.mavlink.local_frame import LocalFrame
from cinempc.mavlink.px4 import Mode
from cinempc.rig.camera import Dof, LensState
from cinempc.rig.mount import FixedMount
from cinempc.rig.plan import PlanPoint
from cinempc.rig.trajectory import Trajectory
from cinempc.rig.vehicle import Setpoint
from tests.fakes.events import Heard
from tests.fakes.peer import Memory, Peer, heartbeat, place, sent
from tests.flight.hostile import CAMERA as CAMERA_ID
from tests.flight.hostile import GIMBAL, Mutator, corpus, packet
from tests.stories.flown import CAMERA, SAFETY, VEHICLE

COUNT = int(os.environ.get("CINEMPC_FUZZ", "60000"))
KEY = bytes(range(32))
#: Datagrams between two looks at what came of them.
BATCH = 100


class Attached:
    """A pilot in flight, everything attached to its link, and nobody at the other end."""

    def __init__(self, key: bytes | None = None) -> None:
        self.heard = Heard().start()
        self.pilot = Pilot(
            Flight(name="fuzz", connection="udpin:127.0.0.1:0", vehicle_system=1),
            VEHICLE,
            CAMERA,
            SAFETY,
        )
        pilot = self.pilot
        pilot.link._transport.close()
        pilot.link._transport = self.wire = Memory()
        if key is not None:
            signed = Link(Memory(), key=key)
            pilot.link._mav.signing, pilot.link._signed = signed._mav.signing, True
        self.vehicle = Peer(key=key)
        self.camera = Peer(component=CAMERA_ID, key=key)
        self.gimbal = Peer(component=GIMBAL, key=key)
        self.began = time.monotonic() - 60.0
        self._revive_link()
        pilot.devices.gimbal = make_gimbal(
            VEHICLE,
            pilot.link,
            pilot.autopilot.target,
            vehicle_attitude=lambda: pilot.autopilot.angles,
            clock=pilot.clock,
        )
        pilot.devices.camera = CameraClient(pilot.link, CAMERA, 1, now=pilot.clock.now)
        # A second one that reads every message there is for mounts without a gimbal.
        fixed = VEHICLE.gimbal.model_copy(update={"mount": FixedMount(kind="fixed", pitch="0 deg")})
        self.fallback = FallbackGimbal(
            fixed,
            pilot.link,
            pilot.autopilot.target,
            vehicle_attitude=lambda: pilot.autopilot.angles,
        )
        # Where the course leads in the world, setpoint by setpoint: the local frame may leap.
        self.flown: list[np.ndarray] = []
        send = pilot._send

        def note(at: float, setpoint: Setpoint) -> None:
            self.flown.append(setpoint.position)
            send(at, setpoint)

        pilot._send = note
        self.revive()

    def boot_ms(self) -> int:
        return int((time.monotonic() - self.began) * 1e3)

    def _hear(self, peer: Peer, message: Any) -> None:
        self.pilot.link._take(peer.pack(message))

    def _revive_link(self) -> None:
        m, pilot = mavlink, self.pilot
        now = self.boot_ms()
        pilot.clock._samples.clear()
        pilot.clock._rate = 1.0
        pilot.clock._offset = math.nan
        pilot.autopilot.position = pilot.autopilot.attitude = None
        pilot.anchor.frame = LocalFrame()
        self._hear(self.vehicle, heartbeat(mode=Mode.OFFBOARD.custom, armed=True))
        self._hear(self.vehicle, place(now, 1.0, 2.0, -8.0))
        self._hear(self.vehicle, m.MAVLink_attitude_message(now, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0))
        self._hear(self.vehicle, m.MAVLink_estimator_status_message(now, 0x3FF, *[0.1] * 8))
        self._hear(self.vehicle, m.MAVLink_extended_sys_state_message(0, 2))

    def revive(self) -> None:
        """Fly, whatever was said before."""
        m, pilot = mavlink, self.pilot
        self._revive_link()
        self._hear(self.camera, heartbeat(m.MAV_TYPE_CAMERA, m.MAV_AUTOPILOT_INVALID))
        self._hear(self.camera, m.MAVLink_camera_settings_message(1, 1, 20.0, 30.0))
        self._hear(
            self.gimbal,
            m.MAVLink_gimbal_device_attitude_status_message(
                0, 0, self.boot_ms(), 0x4C, [1.0, 0.0, 0.0, 0.0], 0.0, 0.0, 0.0, 0, 0.5, 0.0, 0
            ),
        )
        gimbal = pilot.devices.gimbal
        gimbal._manager, gimbal._control = pilot.autopilot.target, Control.OURS
        for channel in pilot.devices.camera.channels.values():
            channel.begin()
        pilot.devices.camera._apertures = {4.0: 4.0, 5.0: 5.6}
        pilot.devices.camera._aperture_kind = mavlink.MAV_PARAM_EXT_TYPE_REAL32
        now = pilot.clock.now()
        point = PlanPoint(
            now,
            np.array([2.0, 1.0, 8.0]),
            np.array([1.0, 0.0, 0.0]),
            np.zeros(3),
            np.zeros(3),
            np.zeros(3),
            np.zeros(3),
            LensState(35.0, 5.0, 4.0),
        )
        pilot._trajectory = Trajectory(VEHICLE, point, 0.5)
        pilot._trajectory_time.begin()
        pilot._flight = FlightState(FlightPhase.FLYING, Authority.OURS, frozenset((Mode.OFFBOARD,)))
        pilot._restarts = pilot.clock.restarts
        pilot._faults.clear()
        pilot.devices.reception.begin()

    def feel(self) -> str:
        """All that is known by what came over the link."""
        pilot = self.pilot
        autopilot, gimbal, camera = pilot.autopilot, pilot.devices.gimbal, pilot.devices.camera
        return repr(
            [
                pilot._flight, list(pilot.devices.reception._trips._delays),
                autopilot.position, autopilot.attitude, autopilot.status, autopilot.landed,
                autopilot.positioned, autopilot.texts, autopilot.utc,
                autopilot.failed_safe, autopilot._placed,
                autopilot.home, autopilot.home_on_earth, autopilot.on_earth, autopilot.origin,
                autopilot.resets, autopilot.clearance, autopilot.battery.share, pilot.anchor.frame,
                pilot.clock._rate, pilot.clock._offset, pilot.clock.restarts,
                list(pilot.clock._samples),
                gimbal._manager, gimbal._device, gimbal._control, gimbal._status_before,
                gimbal._reports.newest, gimbal._reports.presence,
                gimbal._reports._failures, gimbal.limits(), gimbal.problems,
                gimbal._reports.history._past,
                self.fallback._history._past, self.fallback.problems,
                camera.target, camera.information, camera.capture, camera.streams,
                camera.definition, camera._beat, camera.presence, camera.parameters,
                [
                    (c.use, c.accepted, c.refused, c.reported, c.seen)
                    for c in camera.channels.values()
                ],
            ]
        )  # fmt: skip

    def close(self) -> None:
        self.heard.stop()
        self.pilot.devices.gimbal.close()
        self.pilot.devices.camera.close()


def test_every_kind_of_message_that_anybody_listens_to_is_among_them() -> None:
    async def scenario() -> None:
        attached = Attached()
        listened = {name for name, some in attached.pilot.link._handlers.items() if some}
        # And what is only waited for now and then.
        waited = {
            "PARAM_VALUE", "AUTOPILOT_VERSION", "GIMBAL_MANAGER_INFORMATION",
            "FILE_TRANSFER_PROTOCOL",
        }  # fmt: skip
        assert (listened | waited) - {"*"} <= {sample.name for sample in corpus()}
        attached.close()

    asyncio.run(scenario())


def test_the_samples_are_what_they_say() -> None:
    """As they are, each is let in and handled."""

    async def scenario() -> None:
        attached = Attached()
        link = attached.pilot.link
        for number, sample in enumerate(corpus()):
            before = link.received[sample.name]
            link._take(packet(sample, sample.payload, 1, sample.component, number))
            assert link.received[sample.name] == before + 1
        assert not link.refused
        assert not link.failed
        attached.close()

    asyncio.run(scenario())


@pytest.mark.slow
def test_who_is_not_the_vehicle_has_no_effect() -> None:
    """From other systems, from components that are none of ours, damaged, cut, without any sense,
    several at once: nothing of what is known changes, nobody is answered, no event but that
    there are ground stations."""

    async def scenario() -> None:
        attached = Attached()
        pilot = attached.pilot
        link = pilot.link
        mutator = Mutator(corpus(), 1)
        random = np.random.default_rng(2)
        attached.heard.clear()
        attached.wire.known.clear()
        before, received = attached.feel(), link.received.copy()
        count = let_in = 0
        while count < COUNT // 2:
            packets, strange = [], True
            for _ in range(int(random.integers(1, 4))):
                kind = int(random.integers(5))
                if kind == 0:
                    packets.append(mutator.hostile(system=int(random.choice([0, 2, 7, 255]))))
                elif kind == 1:
                    packets.append(mutator.hostile(component=int(random.choice([2, 77, 101, 191]))))
                    strange = False  # a component of the vehicle, whom nobody asked
                elif kind == 2:
                    packets.append(mutator.broken())
                elif kind == 3:
                    packets.append(mutator.rubbish())
                else:
                    packets.append(mutator.hostile(system=3, component=1))
            count += len(packets)
            known = sum(link._take(data) for data in mutator.together(packets)) > 0
            let_in += known
            assert not (known and strange)
            if count % BATCH < 3:
                assert attached.feel() == before, packets
        assert attached.feel() == before
        assert set(link.refused) <= {"malformed", "stranger", "unknown"}
        assert not link.failed
        assert {event.kind for event in attached.heard.events} <= {AutopilotEvent.GROUND_STATION}
        assert let_in > 0
        assert link.received != received  # of components that are nobody's business
        # And the vehicle itself is heard as before.
        link._take(attached.vehicle.pack(place(attached.boot_ms(), 1.0, 2.0, -8.0)))
        attached.wire.written.clear()
        pilot._tick()
        assert pilot.phase is FlightPhase.FLYING, attached.heard
        assert sent(attached.wire)[0].get_type() == "SET_POSITION_TARGET_LOCAL_NED"
        attached.close()

    asyncio.run(scenario())


@pytest.mark.slow
def test_with_a_key_nobody_without_it_has_any_effect() -> None:
    """From the vehicle's own addresses, any values, unsigned or with another key's signature, and
    recordings of what was rightly signed: not one is let in."""

    async def scenario() -> None:
        attached = Attached(KEY)
        link = attached.pilot.link
        mutator = Mutator(corpus(), 3)
        random = np.random.default_rng(4)
        thieves = [Peer(component=c, key=bytes(32)) for c in (1, CAMERA_ID, GIMBAL)]
        recording = attached.vehicle.pack(place(attached.boot_ms(), 5.0, 5.0, -5.0))
        link._take(recording)
        messages = [
            heartbeat(mode=Mode.MANUAL.custom),
            place(1, 9.0, 9.0, 9.0),
            mavlink.MAVLink_command_ack_message(531, 2),
        ]
        attached.wire.known.clear()
        before, received = attached.feel(), link.received.copy()
        for count in range(COUNT // 10):
            kind = int(random.integers(4))
            if kind == 0:
                thief = thieves[int(random.integers(3))]
                data = thief.pack(messages[int(random.integers(3))])
            elif kind == 1:
                data = recording
            elif kind == 2:
                changed = bytearray(recording)
                changed[int(random.integers(10, len(changed)))] ^= 1 + int(random.integers(255))
                data = bytes(changed)
            else:
                data = mutator.hostile()
            assert not link._take(data)
            if count % BATCH == 0:
                assert attached.feel() == before
        assert attached.feel() == before
        assert link.received == received
        attached.close()

    asyncio.run(scenario())


@pytest.mark.slow
def test_whatever_the_vehicle_says_is_possible_or_not_there() -> None:
    """From the vehicle's own addresses, any values at all: no handler fails, no task ends, and what
    reaches the controller is finite and inside the limits, or absent; what is sent is finite and on
    one path."""

    async def scenario() -> None:
        attached = Attached()
        pilot = attached.pilot
        link = pilot.link
        mutator = Mutator(corpus(), 5)
        random = np.random.default_rng(6)
        count, let_in = 0, 0
        faults: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: faults.append(context)
        )
        while count < COUNT // 2 - COUNT // 10:
            attached.revive()
            attached.wire.written.clear()
            for _ in range(BATCH):
                packets = [mutator.hostile() for _ in range(int(random.integers(1, 3)))]
                count += len(packets)
                let_in += sum(link._take(data) for data in mutator.together(packets))
                if count % 5 == 0:
                    pilot._tick()
            _look_at_what_is_known(attached)
            _look_at_what_is_sent(attached)
            await asyncio.sleep(0)
        assert let_in > COUNT // 20
        assert not link.failed, (link.failed, attached.heard)
        assert not faults
        wrong = {PilotEvent.FAULT, PilotEvent.NOT_COMMANDED, PilotEvent.LINK_FAULT}
        assert not [event for event in attached.heard.events if event.kind in wrong]
        attached.close()
        await asyncio.sleep(0.05)

    asyncio.run(scenario())


def _finite_or_absent(values: Any) -> bool:
    array = np.asarray(values, dtype=float)
    return bool(np.isfinite(array).all() or np.isnan(array).all())


def _look_at_what_is_known(attached: Attached) -> None:
    pilot = attached.pilot
    report = pickle.loads(pickle.dumps(pilot.report()))
    state = report.state
    assert math.isfinite(state.time)
    assert _finite_or_absent(state.position)
    assert not (np.abs(state.position) > 50.1e3).any()
    assert _finite_or_absent(state.velocity)
    assert not (np.abs(state.velocity) > 100.1).any()
    assert _finite_or_absent(state.attitude)
    assert not any(abs(a) > 7 for a in state.attitude)
    pose = state.camera
    assert _finite_or_absent((pose.yaw, pose.pitch, pose.roll))
    assert not any(abs(a) > 15 for a in (pose.yaw, pose.pitch, pose.roll)), pose
    assert _finite_or_absent(state.camera_rates)
    assert not (np.abs(state.camera_rates) > 60).any(), state.camera_rates
    lens, camera = state.lens, CAMERA
    assert camera.focal_length.min <= lens.focal_length_mm <= camera.focal_length.max
    assert camera.aperture.min * 0.99 <= lens.f_number <= camera.aperture.max * 1.01
    assert lens.focus_distance_m > 0.5
    rate, offset = report.clock
    assert 0.02 <= rate <= 50.0
    assert math.isfinite(offset)
    assert report.utc is None or 0 < report.utc < 5e9
    for name in ("yaw", "pitch", "roll"):
        given, left = getattr(VEHICLE.gimbal, name), getattr(pilot.devices.gimbal.limits(), name)
        assert given.min - 1e-9 <= left.min <= left.max <= given.max + 1e-9
    held = pilot.devices.camera.available(camera)
    assert camera.focal_length.min <= held.focal_length.min <= held.focal_length.max
    assert held.focal_length.max <= camera.focal_length.max
    assert camera.aperture.min <= held.aperture.min <= held.aperture.max <= camera.aperture.max
    assert set(report.held) <= set(Dof)
    assert len(pilot.devices.camera.streams) <= 16
    assert len(pilot.devices.camera.parameters) <= 1000
    assert len(pilot.autopilot.texts) <= 10
    assert len(pilot.devices.gimbal._reports.history) < 5000
    aim = attached.fallback.attitude_at(attached.fallback._now)
    assert aim is None or _finite_or_absent((*aim.angles, *aim.rates))


def _look_at_what_is_sent(attached: Attached) -> None:
    for before, there in itertools.pairwise([*attached.flown[:1], *attached.flown]):
        assert np.linalg.norm(there - [2.0, 1.0, 8.0]) < 5.0
        assert np.linalg.norm(there - before) < 1.0
    attached.flown.clear()
    for message in sent(attached.wire):
        kind = message.get_type()
        if kind == "SET_POSITION_TARGET_LOCAL_NED":
            values = np.array(
                [message.x, message.y, message.z, message.vx, message.vy, message.vz,
                 message.afx, message.afy, message.afz, message.yaw, message.yaw_rate]
            )  # fmt: skip
            assert np.isfinite(values).all()
            assert np.linalg.norm(values[3:6]) < 2.0
        elif kind == "GIMBAL_MANAGER_SET_ATTITUDE":
            assert np.isfinite(message.q).all()
        elif kind == "COMMAND_LONG" and message.command in (531, 532):
            assert math.isfinite(message.param2)
            assert message.target_component == CAMERA_ID
        # Nobody makes us change the mode, or arm.
        assert kind not in ("SET_MODE", "PARAM_SET")
        assert kind != "COMMAND_LONG" or message.command not in (176, 400, 22, 21, 20)
