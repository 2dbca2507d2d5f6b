"""MAVLink's microservices that wait for an answer: commands, parameters, messages on request.

Sources: the command, parameter and message-interval protocols of mavlink.io.
"""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cinempc.mavlink.dialect import enum_name, mavlink
from cinempc.mavlink.link import Link
from cinempc.mavlink.transport import LinkError

#: Time for an answer, s, and how often a command without one is repeated: radios lose packets.
#: Of a link that loses every fifth packet each way, one command in 4000 fails.
TIMEOUT = 0.5
RETRIES = 8
#: Time, s, for which a command may report that it is in progress.
IN_PROGRESS = 30.0

_INTEGERS = {
    mavlink.MAV_PARAM_TYPE_UINT8: "<B3x",
    mavlink.MAV_PARAM_TYPE_INT8: "<b3x",
    mavlink.MAV_PARAM_TYPE_UINT16: "<H2x",
    mavlink.MAV_PARAM_TYPE_INT16: "<h2x",
    mavlink.MAV_PARAM_TYPE_UINT32: "<I",
    mavlink.MAV_PARAM_TYPE_INT32: "<i",
}


class CommandRefused(LinkError):  # noqa: N818 - the field says "refused"
    """A command that was answered with no.

    Attributes:
        command: MAV_CMD.
        result: MAV_RESULT.
    """

    def __init__(self, command: int, result: int, who: str) -> None:
        self.command, self.result = command, result
        super().__init__(
            f"{who} answered {enum_name('MAV_CMD', command)!r} with "
            f"{enum_name('MAV_RESULT', result)!r}"
        )


class NoAnswer(LinkError):  # noqa: N818 - so is "no answer"
    """Nobody answered in time."""


@dataclass(frozen=True)
class Target:
    """A component on the network."""

    system: int
    component: int

    def __str__(self) -> str:
        return f"component {self.component} of system {self.system}"

    def sent(self, message: Any) -> bool:
        """Whether it is the sender of a message."""
        return (message.get_srcSystem(), message.get_srcComponent()) == (
            self.system,
            self.component,
        )


async def command(
    link: Link,
    target: Target,
    number: int,
    *params: float,
    timeout: float = TIMEOUT,
    retries: int = RETRIES,
    unless: Callable[[], bool] = lambda: False,
) -> None:
    """Send a COMMAND_LONG until it is answered.

    Args:
        link: to send on.
        target: who shall do it.
        number: MAV_CMD.
        params: up to seven; the others are zero.
        timeout, retries: how long an answer is waited for, s, and how often it is sent.
        unless: asked before it is sent again: whether it shall not be.

    Raises:
        CommandRefused: the answer was no.
        NoAnswer: there was none.
    """
    values = [*params, *[0.0] * (7 - len(params))]

    def answers(message: Any) -> bool:
        ours = message.target_system in (0, link.system) and message.target_component in (
            0,
            link.component,
        )
        return bool(message.command == number and target.sent(message) and ours)

    for confirmation in range(retries):
        if confirmation and unless():
            break
        # Listening before sending: an answer can come at once.
        waiting = asyncio.ensure_future(link.wait("COMMAND_ACK", answers, timeout))
        await asyncio.sleep(0)
        link.send(
            mavlink.MAVLink_command_long_message(
                target.system, target.component, number, confirmation, *values
            )
        )
        try:
            ack = await waiting
            patience = IN_PROGRESS
            while ack.result == mavlink.MAV_RESULT_IN_PROGRESS:
                ack = await link.wait("COMMAND_ACK", answers, patience)
        except TimeoutError:
            continue
        if ack.result != mavlink.MAV_RESULT_ACCEPTED:
            raise CommandRefused(number, ack.result, str(target))
        return
    raise NoAnswer(
        f"{target} did not answer {enum_name('MAV_CMD', number)!r} in "
        f"{retries} x {timeout:g} s: it is absent, or the link loses everything"
    )


async def request(
    link: Link,
    target: Target,
    name: str,
    param: float = 0.0,
    timeout: float = TIMEOUT,
    retries: int = RETRIES,
) -> Any:
    """A message that a component sends on request (MAV_CMD_REQUEST_MESSAGE). The message is the
    answer, whatever becomes of the COMMAND_ACK.

    Raises:
        CommandRefused: it does not have it.
        NoAnswer: it did not come.
    """
    number: int = getattr(mavlink, f"MAVLINK_MSG_ID_{name}")
    asks, params = mavlink.MAV_CMD_REQUEST_MESSAGE, (float(number), param)
    refused: CommandRefused | None = None
    for attempt in range(retries):
        try:
            message = await ask_once(link, target, name, asks, params, attempt, timeout)
        except CommandRefused as error:
            # Twice: the first may be a late answer to the request of another message.
            if refused is not None:
                raise
            refused = error
            continue
        if message is not None:
            return message
    raise refused or NoAnswer(f"{target} does not send {name}")


async def ask_once(
    link: Link,
    target: Target,
    name: str,
    number: int,
    params: Sequence[float],
    attempt: int,
    timeout: float,
) -> Any:
    """Send a command that asks for a message, and wait for that.

    Args:
        link: to speak on.
        target: who has it.
        name: of the message.
        number: MAV_CMD that asks for it.
        params: of the command.
        attempt: how often it was asked before.
        timeout: s.

    Returns:
        the message; None where nothing came in time.

    Raises:
        CommandRefused: the answer was no.
    """

    def refuses(message: Any) -> bool:
        good = (mavlink.MAV_RESULT_ACCEPTED, mavlink.MAV_RESULT_IN_PROGRESS)
        return bool(
            message.command == number and target.sent(message) and message.result not in good
        )

    waiting = asyncio.ensure_future(link.wait(name, target.sent, timeout))
    answer = asyncio.ensure_future(link.wait("COMMAND_ACK", refuses, timeout))
    # Listening before sending: an answer can come at once.
    await asyncio.sleep(0)
    link.send(
        mavlink.MAVLink_command_long_message(
            target.system,
            target.component,
            number,
            attempt,
            *params,
            *[0.0] * (7 - len(params)),
        )
    )
    try:
        await asyncio.wait({waiting, answer}, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done() and waiting.exception() is None:
            return waiting.result()
        if answer.done() and answer.exception() is None:
            raise CommandRefused(number, answer.result().result, str(target))
        return None
    finally:
        for task in (waiting, answer):
            task.cancel()
        await asyncio.gather(waiting, answer, return_exceptions=True)


async def set_interval(link: Link, target: Target, name: str, rate: float) -> None:
    """Have a message sent ``rate`` times a second.

    Raises:
        CommandRefused, NoAnswer: as `command`.
    """
    number: int = getattr(mavlink, f"MAVLINK_MSG_ID_{name}")
    await command(link, target, mavlink.MAV_CMD_SET_MESSAGE_INTERVAL, number, 1e6 / rate)


async def get_parameter(link: Link, target: Target, name: str) -> float:
    """A parameter's value.

    Raises:
        NoAnswer: there is no such parameter, or nobody answers.
    """
    for _ in range(RETRIES):
        waiting = asyncio.ensure_future(
            link.wait("PARAM_VALUE", lambda m: m.param_id == name and target.sent(m), TIMEOUT)
        )
        await asyncio.sleep(0)
        link.send(
            mavlink.MAVLink_param_request_read_message(
                target.system, target.component, name.encode(), -1
            )
        )
        try:
            return decode_parameter(await waiting)
        except TimeoutError:
            continue
    raise NoAnswer(f"{target} does not tell its parameter {name}")


async def set_parameter(link: Link, target: Target, name: str, value: float) -> None:
    """Set a parameter, and see that it is set. Its type is asked for first: PX4 wants it right.

    Raises:
        NoAnswer: it could not be set.
    """
    for _ in range(RETRIES):
        waiting = asyncio.ensure_future(
            link.wait("PARAM_VALUE", lambda m: m.param_id == name and target.sent(m), TIMEOUT)
        )
        await asyncio.sleep(0)
        link.send(
            mavlink.MAVLink_param_request_read_message(
                target.system, target.component, name.encode(), -1
            )
        )
        try:
            current = await waiting
            if math.isclose(decode_parameter(current), value, rel_tol=1e-6, abs_tol=1e-9):
                return
            link.send(
                mavlink.MAVLink_param_set_message(
                    target.system,
                    target.component,
                    name.encode(),
                    encode_parameter(value, current.param_type),
                    current.param_type,
                )
            )
            await link.wait(
                "PARAM_VALUE",
                lambda m: (
                    m.param_id == name
                    and target.sent(m)
                    and math.isclose(decode_parameter(m), value, rel_tol=1e-6, abs_tol=1e-9)
                ),
                TIMEOUT,
            )
            return
        except TimeoutError:
            continue
    raise NoAnswer(f"{target} does not take {name} = {value:g}")


def decode_parameter(message: Any) -> float:
    """The value in a PARAM_VALUE: PX4 puts integers bytewise into the float."""
    form = _INTEGERS.get(message.param_type)
    if form is None:
        return float(message.param_value)
    return float(struct.unpack(form, struct.pack("<f", message.param_value))[0])


def encode_parameter(value: float, kind: int) -> float:
    """The float field that carries a parameter of a type; undoes `decode_parameter`."""
    form = _INTEGERS.get(kind)
    if form is None:
        return float(value)
    return float(struct.unpack("<f", struct.pack(form, round(value)))[0])
