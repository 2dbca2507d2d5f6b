"""Carries messages between simulated components and the network, as PX4's links and router do:
a component's messages go to every link; a message that is addressed goes where its target was
heard; and time goes on at a chosen speed.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cinempc.errors import CinempcError
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.transport import Wire
from cinempc.rig.clock import WALL, Clock

#: Physics goes on in slices of this many simulated seconds; the network is looked at in between.
SLICE = 0.004
#: How far the simulation may fall behind its speed before it lets the lost time go, wall s.
_BEHIND = 0.25


@dataclass(frozen=True)
class Port:
    """A UDP link: where it listens, and whom it talks to until somebody talks to it."""

    local: int
    remote: int
    host: str = "127.0.0.1"


#: A vehicle's links by name.
Links = Mapping[str, Port | Wire]

#: PX4 SITL's links, by what PX4 calls them; instance N adds N to all but the first remote.
PX4_PORTS = {"gcs": Port(18570, 14550), "onboard": Port(14580, 14540)}


def ports(instance: int = 0) -> dict[str, Port]:
    """PX4's links of an instance."""
    gcs, onboard = PX4_PORTS["gcs"], PX4_PORTS["onboard"]
    return {
        "gcs": Port(gcs.local + instance, gcs.remote),
        "onboard": Port(onboard.local + instance, onboard.remote + instance),
    }


class _UdpWire:
    """A UDP port that speaks to whoever spoke to it last."""

    datagrams = True

    def __init__(self, port: Port) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind((port.host, port.local))
        except OSError as error:
            self._socket.close()
            raise CinempcError(
                f"UDP port {port.local} cannot be had ({error.strerror}): another simulation runs? "
                "End it, or give another --instance"
            ) from None
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._peer: tuple[str, int] = (port.host, port.remote)

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self) -> tuple[bytes, Any] | None:
        try:
            data, self._peer = self._socket.recvfrom(65535)
        except (BlockingIOError, ConnectionRefusedError):
            return None
        return data, self._peer

    def know(self, peer: Any) -> None:
        pass

    def write(self, data: bytes) -> None:
        self._socket.sendto(data, self._peer)

    def close(self) -> None:
        self._socket.close()


class _HostLink:
    """One of the vehicle's links: a wire that carries datagrams, and who is behind it."""

    def __init__(self, name: str, wire: Wire) -> None:
        self.name, self.wire = name, wire
        self.heard: set[tuple[int, int]] = set()  # addresses behind this link
        self.parser = mavlink.MAVLink(None)
        self.parser.robust_parsing = True

    def read(self) -> tuple[list[Any], bytes] | None:
        chunk = self.wire.read()
        if chunk is None:
            return None
        data = chunk[0]
        parser = self.parser
        parser.buf, parser.buf_index, parser.expected_length = bytearray(), 0, 8
        try:
            return parser.parse_buffer(data) or [], data
        except Exception:  # hostile bytes
            return [], data

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self.wire.write(data)


class Host:
    """The network of a simulated vehicle.

    Args:
        links: the links by name: UDP ports, or wires that carry datagrams.
        router: whether messages go from link to link; not where both lead to the same autopilot,
            which routes by itself.
        wall: the clock of `run`.

    Attributes:
        time: simulated time, s.
        components: whoever is on board, in the order in which they step.
    """

    def __init__(self, links: Links, router: bool = True, wall: Clock = WALL) -> None:
        self._router, self._wall = router, wall
        self._links = [
            _HostLink(name, _UdpWire(link) if isinstance(link, Port) else link)
            for name, link in links.items()
        ]
        self.components: list[Any] = []
        self._packers: dict[tuple[int, int], Any] = {}
        self.time = 0.0
        self._before: list[Callable[[float], None]] = []

    def close(self) -> None:
        """Let go of the ports."""
        for link in self._links:
            link.wire.close()

    def index(self, name: str) -> int:
        """Number of a link."""
        return [link.name for link in self._links].index(name)

    def add(self, component: Any) -> None:
        """Take a component on board."""
        self.components.append(component)

    def each(self, work: Callable[[float], None]) -> None:
        """Call ``work`` with the time before every slice."""
        self._before.append(work)

    # --- messages ---

    def sender(self, system: int, component: int, over: str | None = None) -> Callable[[Any], None]:
        """What a component sends with: to every other component, and to every link (or the one
        that it is ``over``); what is addressed, to the link where the addressee was heard."""
        links = [link for link in self._links if over in (None, link.name)]

        def send(message: Any) -> None:
            data = self._pack(system, component, message)
            target = _target(message)
            for link in links:
                if target is None or target in link.heard:
                    link.write(data)
            for other in self.components:
                if (other.system, other.component) != (system, component):
                    other.receive(message)

        return send

    def sender_to(self, system: int, component: int) -> Callable[[int, Any], None]:
        """The same, to one link by its number."""

        def send(link: int, message: Any) -> None:
            self._links[link].write(self._pack(system, component, message))

        return send

    def _pack(self, system: int, component: int, message: Any) -> bytes:
        key = system, component
        if key not in self._packers:
            self._packers[key] = mavlink.MAVLink(None, srcSystem=system, srcComponent=component)
        packer = self._packers[key]
        data: bytes = message.pack(packer)
        packer.seq = (packer.seq + 1) % 256
        # So that other components on board see from whom it is.
        message.get_header().srcSystem, message.get_header().srcComponent = key
        return data

    def read(self) -> None:
        """Take in what came over the links."""
        for number, link in enumerate(self._links):
            for _ in range(256):
                chunk = link.read()
                if chunk is None:
                    break
                messages, data = chunk
                for message in messages:
                    if message.get_type() == "BAD_DATA":
                        continue
                    link.heard.add((message.get_srcSystem(), message.get_srcComponent()))
                    if message.get_type().startswith("UNKNOWN_"):
                        continue
                    self._route(number, message, data)

    def _route(self, number: int, message: Any, data: bytes) -> None:
        target = _target(message)
        known = [(c.system, c.component) for c in self.components]
        for component in self.components:
            component.via = number
            component.receive(message)
        if target in known or not self._router:
            return
        for other, link in enumerate(self._links):
            if other != number and (target is None or target in link.heard):
                link.write(bytes(message.get_msgbuf()))

    # --- time ---

    def step(self, dt: float = SLICE) -> None:
        """Take in messages, and go on by ``dt`` simulated s."""
        self.read()
        self.time += dt
        for work in self._before:
            work(self.time)
        for component in self.components:
            component.step(self.time)

    def run(self, speed: float = 1.0, until: Callable[[], bool] = lambda: False) -> None:
        """Go on at ``speed`` simulated seconds a second, or as fast as it can where that is
        less, until told to stop."""
        due = self._wall.now()
        while not until():
            self.step()
            due += SLICE / speed
            late = self._wall.now() - due
            if late < 0:
                time.sleep(-late)
            elif late > _BEHIND:
                due = self._wall.now()


def _target(message: Any) -> tuple[int, int] | None:
    """Whom a message is for; None for all."""
    system = getattr(message, "target_system", 0)
    component = getattr(message, "target_component", 0)
    return (system, component) if system and component else None
