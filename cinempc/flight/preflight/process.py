"""The process of the check before the flight: MAVSDK, from its connection to its end."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from cinempc.errors import CinempcError
from cinempc.flight.preflight.finding import HEARD, LOG, Preflight, PreflightEvent, Question
from cinempc.flight.preflight.relay import Relay
from cinempc.flight.preflight.vehicle import examine
from cinempc.mavlink.link import Link
from cinempc.mavlink.transport import EXAMPLES, LinkError, Transport, serial_port
from cinempc.rig.log import ROOT, RelayHandler, handled


def mavsdk_url(address: str) -> str:
    """A connection string as MAVSDK takes it, from one as pymavlink takes it.

    Args:
        address: ``udpin:host:port``, ``udpout:host:port``, ``tcp:host:port``,
            ``tcpin:host:port``, or a serial device with ``:baud`` behind it.

    Raises:
        LinkError: it is none of these.
    """
    kind, _, rest = address.partition(":")
    device, baud = serial_port(address)
    if device.startswith(("/", "COM")):
        return f"serial://{device}:{baud}"
    schemes = {"udpin": "udpin", "udp": "udpin", "udpout": "udpout", "tcp": "tcpout"}
    schemes["tcpin"] = "tcpin"
    host, _, port = rest.rpartition(":")
    if kind not in schemes or not host or not port.isdigit():
        raise LinkError(
            f"the connection {address!r} cannot be checked: connections look like {EXAMPLES}"
        )
    return f"{schemes[kind]}://{host}:{port}"


def serve(channel: Connection, question: Question) -> None:
    """The process that asks. Ctrl-C is for the other one, which then ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with handled(ROOT, RelayHandler(lambda *record: channel.send(("record", *record)))):
            channel.send(("found", _ask(question)))
    except CinempcError as error:
        channel.send(("failed", str(error)))
    except BrokenPipeError:
        pass  # nobody waits any more


def _ask(question: Question) -> Preflight:
    import mavsdk

    mavsdk.log_subscribe(lambda *line: True)  # its log on the terminal is for its own makers
    sdk = mavsdk.Mavsdk(
        mavsdk.Configuration.create_manual(question.system or 1, question.component, True)
    )
    with contextlib.ExitStack() as stack:
        stack.callback(sdk.destroy)
        if question.key is None:
            _connect(sdk, question)
        else:
            link = Link(
                Transport(question.address),
                system=question.system or 1,
                component=question.component,
                key=question.key,
                on_error=_once(lambda text: LOG.log(PreflightEvent.LINK_FAULT, error=text)),
            )
            stack.enter_context(Relay(sdk, link))
        return examine(_system(sdk, question), question)


def _once(tell: Callable[[str], object]) -> Callable[[str], None]:
    """The same, but each sentence once."""
    told: set[str] = set()

    def tell_once(text: str) -> None:
        if text not in told:
            told.add(text)
            tell(text)

    return tell_once


def _connect(sdk: Any, question: Question) -> None:
    """Have MAVSDK open the connection.

    Raises:
        LinkError: it cannot.
    """
    import mavsdk

    result = sdk.add_any_connection(question.url)
    if result != mavsdk.ConnectionResult.SUCCESS:
        raise LinkError(
            f"the connection {question.address!r} cannot be opened "
            f"({result.name.lower().replace('_', ' ')}). Connections look like {EXAMPLES}; a port "
            "that is in use belongs to another program: end it, or give another port"
        )


def _system(sdk: Any, question: Question) -> Any:
    """The vehicle that is asked for.

    Raises:
        LinkError: it was not heard.
    """
    end = time.monotonic() + HEARD
    others: set[int] = set()
    while time.monotonic() < end:
        for system in sdk.get_systems():
            number = system.get_system_id()
            if system.has_autopilot() and question.system in (None, number):
                return system
            others.add(number)
        time.sleep(0.05)
    which = "no autopilot" if question.system is None else f"no system {question.system}"
    heard = f"; heard: systems {', '.join(map(str, sorted(others)))}" if others else ""
    raise LinkError(
        f"{which} was heard on {question.address} in {HEARD:g} s{heard}: is it running, and does "
        "it send there? (PX4's onboard link sends to UDP port 14540: udpin:0.0.0.0:14540)"
    )
