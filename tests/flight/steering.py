"""Setpoints in a test: a stream of them, and what is flown by it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc.mavlink import telemetry
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.px4 import Mode
from cinempc.mavlink.telemetry import LocalPosition
from cinempc.rig.vehicle import Setpoint
from tests.flight.client import Client

Floats = NDArray[np.float64]
Where = Callable[[float], Setpoint]  #: What is wanted at a vehicle time, s.

#: Type masks: what of the setpoint is given.
ALL = 0
POSITION = 0b0001_1111_1000
VELOCITY = 0b0001_1100_0111
NORTH = math.pi / 2  # where the nose is at the start, rad
HOME = np.array([0.0, 0.0, 8.0])  #: Where a test in the air begins.

_ZERO = np.zeros(3)
#: How often this process looks whether it was held up, wall s, and what counts as that, vehicle s.
_BEAT, _LATE = 0.01, 0.12


def still(place: Floats, yaw: float = NORTH) -> Where:
    """Stand there."""
    return lambda now: Setpoint(place, _ZERO, _ZERO, yaw)


class Stream:
    """Setpoints, 50 a second, from a function of vehicle time: one for each reported position, for
    the time that it tells. So nothing is late when a busy machine holds up the vehicle; only what
    holds up this process does harm, and is kept.

    Attributes:
        on: whether they are sent.
        stalls: when, vehicle s, this process was held up, and for how long, s of the vehicle's.
    """

    def __init__(self, client: Client, where: Where, mask: int = ALL) -> None:
        self.client, self.where, self.mask = client, where, mask
        self.on = True
        self.stalls: list[tuple[float, float]] = []
        self._forget = client.link.on("LOCAL_POSITION_NED", self._reported)
        self._beat = asyncio.ensure_future(self._listen())

    def _reported(self, message: Any) -> None:
        if not self.on:
            return
        now, target = message.time_boot_ms / 1e3, self.client.target
        setpoint = telemetry.setpoint_message(
            message.time_boot_ms, target.system, target.component, self.where(now)
        )
        setpoint.type_mask = self.mask
        self.client.link.send(setpoint)

    async def _listen(self) -> None:
        """For this process being held up."""
        wall = self.client.link.wall
        last = wall.now()
        while True:
            await asyncio.sleep(_BEAT)
            now = wall.now()
            late = (now - last - _BEAT) * max(self.client.clock.rate, 1.0)
            if late > _LATE:
                self.stalls.append((self.client.clock.now(), late))
            last = now

    def stalled(self, since: float) -> float:
        """For how long this process was held up since a vehicle time, together, s."""
        return sum(late for when, late in self.stalls if when >= since)

    def stop(self) -> None:
        self._forget()
        self._beat.cancel()


class Track:
    """The reported positions from now on, until it is stopped."""

    def __init__(self, client: Client) -> None:
        self.points: list[LocalPosition] = []
        self.stop = client.link.on("LOCAL_POSITION_NED", self._keep)

    def _keep(self, message: Any) -> None:
        found = telemetry.local_position(message)
        if found is not None:
            self.points.append(found)

    @property
    def times(self) -> Floats:
        return np.array([point.time for point in self.points])

    @property
    def positions(self) -> Floats:
        return np.array([point.position for point in self.points])

    @property
    def velocities(self) -> Floats:
        return np.array([point.velocity for point in self.points])

    def steady(self, stream: Stream, after: float, before: float) -> NDArray[np.bool_]:
        """Which of the points count, those after a time, s: where the stream was not held up for
        so long before, s."""
        stalls = np.array([-np.inf, *[when for when, _ in stream.stalls]])
        since = self.times - stalls[np.searchsorted(stalls, self.times, side="right") - 1]
        return (self.times > after) & (since > before)


async def offboard(client: Client, where: Where) -> Stream:
    """Stream, and be in OFFBOARD."""
    stream = Stream(client, where)
    await client.sleep(0.8)
    await client.autopilot.set_mode(Mode.OFFBOARD)
    return stream


async def home(client: Client) -> Stream:
    """Be in the air, in OFFBOARD, standing at `HOME`."""
    autopilot = client.autopilot
    if not autopilot.airborne:
        await autopilot.take_off(HOME[2])
    stream = await offboard(client, still(HOME))
    deadline = client.clock.now() + 40.0
    while client.clock.now() < deadline:
        place = autopilot.position
        off = np.linalg.norm(place.position - HOME)
        if off < 0.3 and np.linalg.norm(place.velocity) < 0.15:
            return stream
        await client.sleep(0.2)
    raise AssertionError(f"it does not come home: {autopilot.position}")


def circle(
    radius: float, speed: float, drag: float, *, inward: bool
) -> Callable[[float], tuple[Floats, Floats, Floats, float, float]]:
    """A circle that begins at rest at the origin and is at its speed after 4 s, its centre north of
    there, anticlockwise: position, velocity, acceleration with the drag, heading and its rate at
    a time. The nose looks to the centre (``inward``) or stays north."""
    rate, ramp = speed / radius, 4.0

    def at(t: float) -> tuple[Floats, Floats, Floats, float, float]:
        angle = rate * (t * t / (2 * ramp) if t < ramp else t - ramp / 2)
        turn = rate * min(max(t, 0.0) / ramp, 1.0)
        spin = rate / ramp if t < ramp else 0.0
        out = np.array([math.sin(angle), -math.cos(angle), 0.0])
        along = np.array([math.cos(angle), math.sin(angle), 0.0])
        p = radius * (out + np.array([0.0, 1.0, 0.0]))
        v = radius * turn * along
        a = radius * spin * along - radius * turn**2 * out
        nose = (angle + NORTH, turn) if inward else (NORTH, 0.0)
        return p, v, a + drag * v, *nose

    return at


def sticks(client: Client) -> asyncio.Task[None]:
    """A pilot's sticks, all in the middle, until it is cancelled."""

    async def hold() -> None:
        while True:
            system = client.target.system
            client.link.send(mavlink.MAVLink_manual_control_message(system, 0, 0, 500, 0, 0))
            await asyncio.sleep(0.05)

    return asyncio.ensure_future(hold())
