"""Messages on request from a camera, new firmware or old, on a link that loses packets."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from cinempc.flight.commands import CommandRefused, NoAnswer, Target
from cinempc.flight.dialect import mavlink
from cinempc.flight.link import Link

#: Time for one answer, s, and how often it is asked for.
TIMEOUT, RETRIES = 0.3, 12


async def ask(
    link: Link, target: Target, name: str, old: int | None = None, *params: float
) -> None:
    """Have a message sent; the message is the answer, whatever becomes of its COMMAND_ACK.

    Args:
        link: to speak on.
        target: who has it.
        name: of the message.
        old: the request that the message had for itself, MAV_CMD, if there was one.
        params: of that.

    Raises:
        NoAnswer, CommandRefused: it cannot be had.
    """
    number: int = getattr(mavlink, f"MAVLINK_MSG_ID_{name}")
    refused: CommandRefused | None = None
    for attempt in range(RETRIES):
        # Firmware of before 2019 knows only the request that each message had for itself.
        use_old = old is not None and (refused is not None or attempt % 4 == 3)
        asked = old if use_old and old is not None else mavlink.MAV_CMD_REQUEST_MESSAGE
        waiting = asyncio.ensure_future(link.wait(name, target.sent, TIMEOUT))
        answer = asyncio.ensure_future(
            link.wait(
                "COMMAND_ACK",
                partial(_refuses, target, asked),
                TIMEOUT,
            )
        )
        await asyncio.sleep(0)
        values = params if use_old else (float(number),)
        link.send(
            mavlink.MAVLink_command_long_message(
                target.system,
                target.component,
                asked,
                attempt,
                *values,
                *[0.0] * (7 - len(values)),
            )
        )
        try:
            await asyncio.wait({waiting, answer}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done() and waiting.exception() is None:
                return
            if answer.done() and answer.exception() is None:
                result = answer.result().result
                if refused is not None or old is None:
                    raise CommandRefused(asked, result, str(target))
                refused = CommandRefused(asked, result, str(target))
        finally:
            for task in (waiting, answer):
                task.cancel()
            await asyncio.gather(waiting, answer, return_exceptions=True)
    raise refused or NoAnswer(f"{target} does not send {name}")


def _refuses(target: Target, number: int, message: Any) -> bool:
    """Whether a COMMAND_ACK says no."""
    return (
        message.command == number
        and target.sent(message)
        and message.result not in (mavlink.MAV_RESULT_ACCEPTED, mavlink.MAV_RESULT_IN_PROGRESS)
    )
