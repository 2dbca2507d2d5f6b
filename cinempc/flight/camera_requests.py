"""Messages on request from a camera, new firmware or old, on a link that loses packets."""

from __future__ import annotations

from cinempc.flight.commands import CommandRefused, NoAnswer, Target, ask_once
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
        values = params if use_old else (float(number),)
        try:
            if await ask_once(link, target, name, asked, values, attempt, TIMEOUT) is not None:
                return
        except CommandRefused as error:
            if refused is not None or old is None:
                raise
            refused = error
    raise refused or NoAnswer(f"{target} does not send {name}")
