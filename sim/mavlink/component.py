"""What every simulated MAVLink component is: it has an address, takes messages, sends messages,
and goes on in simulated time. Who carries its messages is not its concern."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from cinempc.mavlink.dialect import mavlink

Send = Callable[[Any], None]


def whole(value: float) -> int:
    """A command's whole-numbered parameter; -1 for what is none."""
    return round(value) if math.isfinite(value) else -1


def last_params(message: Any) -> tuple[float, float, float]:
    """Parameters 5 to 7 of a command without a place in them: COMMAND_INT has other names."""
    if message.get_type() == "COMMAND_INT":
        return message.x, message.y, message.z
    return message.param5, message.param6, message.param7


class Component:
    """A component of a vehicle on MAVLink.

    Subclasses give `receive` and `step`, and handle commands in methods that they name in
    ``self.commands``: {MAV_CMD: method(message) -> MAV_RESULT}.

    Args:
        system, component: its address.
        kind: MAV_TYPE of its heartbeat.
        send: carries a message away; the host packs it with this component's address.
    """

    def __init__(self, system: int, component: int, kind: int, send: Send) -> None:
        self.system, self.component, self.kind = system, component, kind
        self.send = send
        self.time = 0.0  #: Simulated time since boot, s.
        self.commands: dict[int, Callable[[Any], int]] = {}
        self.requests: dict[int, Callable[[float], Any]] = {
            mavlink.MAVLINK_MSG_ID_HEARTBEAT: lambda param: self.heartbeat()
        }
        self.commands[mavlink.MAV_CMD_REQUEST_MESSAGE] = self._request
        self._next_heartbeat = 0.0

    @property
    def boot_ms(self) -> int:
        """Time since boot, ms, for ``time_boot_ms`` fields."""
        return int(self.time * 1e3)

    def heartbeat(self) -> Any:
        """The heartbeat that says what it is."""
        return mavlink.MAVLink_heartbeat_message(
            self.kind,
            mavlink.MAV_AUTOPILOT_INVALID,
            0,
            0,
            mavlink.MAV_STATE_ACTIVE,
            3,
        )

    def is_for_me(self, message: Any) -> bool:
        """Whether a message is addressed to this component, or to all."""
        system = getattr(message, "target_system", 0)
        component = getattr(message, "target_component", 0)
        return system in (0, self.system) and component in (0, self.component)

    def receive(self, message: Any) -> None:
        """Take in a message from the network."""
        if not self.is_for_me(message):
            return
        kind = message.get_type()
        if kind in ("COMMAND_LONG", "COMMAND_INT"):
            self._command(message)

    def step(self, time: float) -> None:
        """Go on to a simulated time, s since boot."""
        self.time = time
        if time >= self._next_heartbeat:
            self._next_heartbeat = time + 1.0
            self.send(self.heartbeat())

    def answer(self, message: Any, result: int) -> None:
        """Acknowledge a command."""
        self.send(
            mavlink.MAVLink_command_ack_message(
                message.command,
                result,
                target_system=message.get_srcSystem(),
                target_component=message.get_srcComponent(),
            )
        )

    def _command(self, message: Any) -> None:
        handler = self.commands.get(message.command)
        if handler is None:
            # To all: who does not know it is silent, so that one clear answer comes.
            if message.target_component == self.component:
                self.answer(message, mavlink.MAV_RESULT_UNSUPPORTED)
            return
        self.answer(message, handler(message))

    def _request(self, message: Any) -> int:
        make = self.requests.get(int(message.param1))
        if make is None:
            return int(mavlink.MAV_RESULT_UNSUPPORTED)
        answer = make(message.param2)
        if answer is None:
            return int(mavlink.MAV_RESULT_DENIED)
        self.send(answer)
        return int(mavlink.MAV_RESULT_ACCEPTED)
