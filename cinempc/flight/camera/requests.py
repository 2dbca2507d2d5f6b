"""Messages on request from a camera, new firmware or old, on a link that loses packets."""

from __future__ import annotations

import asyncio

from cinempc.mavlink.commands import CommandRefused, NoAnswer, Target, ask_once
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.link import Link

#: Time for one answer, s, and how often it is asked for.
TIMEOUT, RETRIES = 0.3, 12


async def ask(
    link: Link,
    target: Target,
    name: str,
    old: int | None = None,
    *params: float,
    which: float = 0.0,
    tries: int = RETRIES,
) -> None:
    """Have a message sent; the message is the answer, whatever becomes of its COMMAND_ACK.

    Args:
        link: to speak on.
        target: who has it.
        name: of the message.
        old: the request that the message had for itself, MAV_CMD, if there was one.
        params: of that.
        which: of several messages of the name, 0 for all; also the first parameter of ``old``.
        tries: how often it is asked for.

    Raises:
        NoAnswer, CommandRefused: it cannot be had.
    """
    number: int = getattr(mavlink, f"MAVLINK_MSG_ID_{name}")
    refused: CommandRefused | None = None
    for attempt in range(tries):
        # Firmware of before 2019 knows only the request that each message had for itself.
        use_old = old is not None and (refused is not None or attempt % 4 == 3)
        asked = old if use_old and old is not None else mavlink.MAV_CMD_REQUEST_MESSAGE
        values = (params or (which,)) if use_old else (float(number), which)
        try:
            if await ask_once(link, target, name, asked, values, attempt, TIMEOUT) is not None:
                return
        except CommandRefused as error:
            if error.result == mavlink.MAV_RESULT_TEMPORARILY_REJECTED and attempt < tries - 1:
                await asyncio.sleep(TIMEOUT)  # it has just been switched on
                continue
            if refused is not None or old is None:
                raise
            refused = error
    raise refused or NoAnswer(f"{target} does not send {name}")
