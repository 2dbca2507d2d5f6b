"""A vehicle of which only the gimbal is there, its network, and clients of it: by wires in memory
and in virtual time, or over UDP for a client that is not ours."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections import Counter
from typing import Any

from cinempc import frames
from cinempc.flight.gimbal.driver import make_gimbal
from cinempc.mavlink.commands import Target
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.link import Link
from cinempc.mavlink.transport import Transport
from cinempc.rig import vehicle
from sim.body.gimbal import SimGimbal
from sim.mavlink.component import Component
from sim.mavlink.gimbal_device import GimbalDevice
from sim.mavlink.gimbal_manager import GimbalManager
from tests.fakes import virtual
from tests.fakes.events import Heard
from tests.fakes.virtual import LOOP
from tests.fakes.wire import MemoryWire

VEHICLE = vehicle.load("x500_cinema")
CONFIG = VEHICLE.gimbal
SYSTEM = 1
AUTOPILOT = Target(SYSTEM, 1)
ZERO = (0.0, 0.0, 0.0)


class Autopilot(Component):
    """As much of one as a gimbal needs: it has the manager, and tells its attitude."""

    def __init__(self, send, attitude, **options):
        super().__init__(SYSTEM, 1, mavlink.MAV_TYPE_QUADROTOR, send)
        self.attitude = attitude
        self.options = options
        self.manager = GimbalManager(SYSTEM, send, attitude=attitude, **options)
        self.began = 0.0

    def heartbeat(self):
        return mavlink.MAVLink_heartbeat_message(
            self.kind, mavlink.MAV_AUTOPILOT_PX4, 0, 0, mavlink.MAV_STATE_ACTIVE, 3
        )

    def receive(self, message):
        result = self.manager.handle(message)
        if result is not None:
            self.answer(message, result)
        elif not (self.is_for_me(message) and getattr(message, "command", 0) == 187):
            super().receive(message)

    def step(self, time):
        super().step(time)
        self.manager.step(time - self.began)
        yaw, pitch, roll = self.attitude()
        self.send(
            mavlink.MAVLink_attitude_message(
                int((time - self.began) * 1e3),
                roll,
                pitch,
                float(frames.yaw_ned_from_enu(yaw)),
                0,
                0,
                0,
            )
        )


class Network:
    """Components, and wires or ports to their clients. ``loss`` is the share of datagrams that
    vanish each way; whoever is in ``silent`` neither hears nor speaks."""

    def __init__(self):
        self.wires: list[Any] = []
        self.components: list[Component] = []
        self.silent: set[int] = set()
        self.loss = 0.0
        self.told = Counter()
        self.heard: list = []
        self._random = random.Random(4)
        self._packers: dict = {}
        self._parser = mavlink.MAVLink(None)
        self._parser.robust_parsing = True
        self._task = None

    def sender(self, component):
        def send(message):
            if component in self.silent:
                return
            packer = self._packers.setdefault(component, mavlink.MAVLink(None, SYSTEM, component))
            data = message.pack(packer)
            packer.seq = (packer.seq + 1) % 256
            self.told[message.get_type()] += 1
            received = mavlink.MAVLink(None).parse_buffer(bytes(data))[0]
            for other in self.components:
                if other.component != component and other.component not in self.silent:
                    other.receive(received)
            for wire in self.wires:
                if self._random.random() >= self.loss:
                    wire.write(data)

        return send

    def start(self):
        self._task = asyncio.ensure_future(self._run())

    async def stop(self):
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        for wire in self.wires:
            wire.close()

    async def _run(self):
        began = LOOP.now()
        while True:
            self._read()
            for component in self.components:
                component.step(LOOP.now() - began)
            await asyncio.sleep(0.01)

    def _read(self):
        for wire in self.wires:
            while (chunk := wire.read()) is not None:
                data, peer = chunk
                wire.know(peer)
                if self._random.random() < self.loss:
                    continue
                for message in self._parser.parse_buffer(data) or ():
                    self.heard.append(message)
                    for component in self.components:
                        if component.component not in self.silent:
                            component.receive(message)


class World:
    """A vehicle with a gimbal, and clients of it."""

    def __init__(self, network):
        self.network = network
        self.attitude = (0.3, 0.0, 0.0)  # the vehicle's
        self.heard = Heard("cinempc.flight.gimbal").start()
        self.links: list[Link] = []
        self.clients: list = []
        self.autopilot = self.device = None

    def board(
        self, *, device=True, config=CONFIG, wording="earth", component=154, gimbal=None, **options
    ):
        send = self.network.sender
        self.autopilot = Autopilot(send(1), lambda: self.attitude, **options)
        self.network.components.append(self.autopilot)
        self.sim = SimGimbal(config, (self.attitude[0], 0.0, 0.0))
        self.device = GimbalDevice(
            SYSTEM,
            send(component),
            self.sim,
            lambda: self.attitude,
            component=component,
            wording=wording,
            **(gimbal or {}),
        )
        if device:
            self.network.components.append(self.device)
        return self

    def link(self, component=191):
        wire = MemoryWire()
        self.network.wires.append(wire.vehicle)
        transport = Transport("memory", wire.connect(), LOOP)
        link = Link(transport, component=component, wall=LOOP)
        link.open()
        self.links.append(link)
        return link

    def client(self, component=191, mount=None, **options):
        config = CONFIG if mount is None else CONFIG.model_copy(update={"mount": mount})
        link = self.link(component)
        made = make_gimbal(
            VEHICLE.model_copy(update={"gimbal": config}),
            link,
            AUTOPILOT,
            vehicle_attitude=lambda: self.attitude,
            **options,
        )
        self.clients.append(made)
        return made

    async def connected(self, **options):
        client = self.client(**options)
        await client.connect(30)
        assert client.healthy, self.heard
        assert client.controls, self.heard
        return client


async def until(condition, timeout=20.0, each=lambda: None):
    end = LOOP.now() + timeout
    while not condition():
        assert LOOP.now() < end, "it did not come to that"
        each()
        await asyncio.sleep(0.02)


def scene(body, **board):
    """Run a test's coroutine in a world of its own, in virtual time."""
    virtual.run(play(body, **board))


async def play(body, **board):
    """The same in the running loop."""
    network = Network()
    world = World(network)
    if board.pop("board", True):
        world.board(**board)
    network.start()
    try:
        await asyncio.wait_for(body(world), 120)
    finally:
        for client in world.clients:
            client.close()
        for link in world.links:
            link.close()
        await network.stop()
        world.heard.stop()


def near(found, wanted, tolerance=0.01):
    """Whether two attitudes are the same, in any turn."""
    return all(
        abs(math.remainder(a - b, 2 * math.pi)) < tolerance
        for a, b in zip(found, wanted, strict=True)
    )


def looks(client, wanted, tolerance=0.01):
    found = client._reports.history.at(client._reports.history.newest)
    return found is not None and near(found.angles, wanted, tolerance)


def from_wire(kind, **fields):
    """A message as it comes from the network."""
    source = fields.pop("source", (255, 190))
    message = getattr(mavlink, f"MAVLink_{kind}_message")(**fields)
    packed = message.pack(mavlink.MAVLink(None, *source))
    return mavlink.MAVLink(None).parse_buffer(bytes(packed))[0]
