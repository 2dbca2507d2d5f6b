"""A simulated camera by itself, its time and its link; and a client of it, in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable, Coroutine
from typing import Any

from cinempc import lens
from cinempc.flight.camera.client import CameraClient
from cinempc.mavlink import ftp
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.link import Link
from cinempc.mavlink.transport import Transport, Wire
from cinempc.rig import camera as cameras
from cinempc.rig.camera import LensState
from sim.body.lens_motor import LensMotors
from sim.mavlink.camera.behaviour import REGULAR, Behaviour, Lacks
from sim.mavlink.camera.component import CameraComponent
from sim.mavlink.camera.definition import definition_xml
from sim.mavlink.camera.streams import Stream
from sim.mavlink.host import SLICE, Host, Port
from tests.fakes.events import Heard
from tests.fakes.vehicle import DefinitionFile
from tests.fakes.virtual import LOOP, VirtualTime
from tests.fakes.wire import MemoryWire

SUPER35 = cameras.load("super35_zoom")
START = LensState(35.0, 5.0, 5.6)
PATIENCE = 30.0  # s
STREAMS = (Stream("rtsp://127.0.0.1:8554/main"), Stream("rtsp://127.0.0.1:8554/depth"))


class World:
    """A camera at the end of a link, and its time.

    ``drop``: which packets are lost, by number, each way; ``files`` are served by MAVLink FTP.
    """

    def __init__(
        self,
        link: Port | Wire,
        lacks: Lacks = Lacks.NOTHING,
        *,
        camera=SUPER35,
        uri: str = "",
        drop: Callable[[int], bool] = lambda number: False,
        files: dict[str, bytes] | None = None,
        component: type[CameraComponent] = CameraComponent,
        behaviour: Behaviour = REGULAR,
        streams: tuple[Stream, ...] = STREAMS,
        address: tuple[int, int] = (1, 100),
    ) -> None:
        self.host = Host({"link": link})
        self.drop = drop
        self._sent = self._heard = 0
        self.alive = True
        self.motors = LensMotors(camera, START)
        self.files = files or {}
        carry = self.host.sender(*address)

        def send(message) -> None:
            self._sent += 1
            if self.alive and not self.drop(self._sent):
                carry(message)

        self.camera = component(
            address[0],
            send,
            self.motors,
            component=address[1],
            streams=streams,
            definition_uri=uri,
            focus_on=lambda: 7.0,
            lacks=lacks,
            behaviour=behaviour,
        )
        inner = self.camera.receive

        def receive(message) -> None:
            self._heard += 1
            if self.alive and not self.drop(self._heard):
                if message.get_type() == "FILE_TRANSFER_PROTOCOL":
                    send(self._serve(message))
                else:
                    inner(message)

        self.camera.receive = receive
        self.host.add(self.camera)

    def now(self) -> float:
        return self.host.time

    def close(self) -> None:
        self.host.close()

    def _serve(self, message):
        """MAVLink FTP's open and read, of one file at a time."""
        raw = bytes(message.payload)
        sequence, _, opcode, size, _, _, offset = ftp.HEADER.unpack_from(raw)
        body = raw[ftp.HEADER.size : ftp.HEADER.size + size]

        def reply(code: int, data: bytes) -> object:
            content = ftp.payload(
                sequence + 1, 3, code, offset, data, size=len(data), answers=opcode
            )
            return mavlink.MAVLink_file_transfer_protocol_message(
                0, message.get_srcSystem(), message.get_srcComponent(), list(content)
            )

        if opcode == ftp.OPEN:
            self._file = self.files.get(body.decode())
            if self._file is None:
                return reply(ftp.NAK, b"\x0a")
            return reply(ftp.ACK, struct.pack("<I", len(self._file)))
        if opcode == ftp.READ:
            return reply(ftp.ACK, self._file[offset : offset + ftp.MOST])
        return reply(ftp.ACK, b"")


class VirtualWorld(World):
    """The same in virtual time, ``speed`` times as fast, behind a wire in memory."""

    def __init__(self, lacks: Lacks = Lacks.NOTHING, *, speed: float = 4.0, **options) -> None:
        self.wire, self.time, self.speed = MemoryWire(), VirtualTime(), speed
        super().__init__(self.wire.vehicle, lacks, **options)

    def link(self) -> Link:
        """A client's, not open yet."""
        clock = self.time.clock
        return Link(Transport("memory", self.wire.connect(), clock), wall=clock)

    def run(self, scenario: Coroutine[Any, Any, Any]) -> Any:
        """Run a test's coroutine while the camera's time goes on."""

        async def whole() -> Any:
            going = asyncio.ensure_future(self._go_on())
            try:
                return await asyncio.wait_for(scenario, 600.0)
            finally:
                going.cancel()

        return self.time.run(whole())

    async def _go_on(self) -> None:
        while True:
            self.host.step()
            await asyncio.sleep(SLICE / self.speed)

    def close(self) -> None:
        super().close()
        self.wire.close()
        self.time.close()


class Client:
    """A connected client and what it told."""

    def __init__(self, world: VirtualWorld, camera=SUPER35, *, patience: float = PATIENCE) -> None:
        self._patience = patience
        self.heard = Heard("cinempc.flight.camera")
        self.link = world.link()
        self.camera = CameraClient(self.link, camera, 1, now=world.now)

    async def __aenter__(self) -> Client:
        self.heard.start()
        self.link.open()
        await self.camera.connect(timeout=self._patience)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.camera.close()
        self.link.close()
        self.heard.stop()


async def until(done: Callable[[], object], timeout: float = PATIENCE) -> None:
    deadline = LOOP.now() + timeout
    while not done():
        assert LOOP.now() < deadline, "it did not come to pass"
        await asyncio.sleep(0.01)


def near(state: LensState, focal: float, focus: float, f_number: float) -> bool:
    return (
        abs(state.focal_length_mm - focal) < 0.01 * focal
        and abs(lens.inverse(state.focus_distance_m) - lens.inverse(focus)) < 0.01
        and abs(state.f_number - f_number) < 0.02 * f_number
    )


@contextlib.contextmanager
def running(lacks: Lacks = Lacks.NOTHING, **options):
    """A world with a camera whose definition is a file."""
    file = DefinitionFile(definition_xml(options.get("camera", SUPER35), lacks))
    world = VirtualWorld(lacks, **{"uri": file.uri, **options})
    try:
        yield world
    finally:
        world.close()
        file.close()
