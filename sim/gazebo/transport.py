"""The way to Gazebo: gz-transport's Python bindings, which come with Gazebo."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, Protocol

from cinempc.errors import CinempcError
from sim.gazebo import messages

#: Modules that hold the bindings: of Jetty (and newer ones), Ionic and Harmonic.
MODULES = ("gz.transport", "gz.transport14", "gz.transport13")


class NoTransportError(CinempcError):
    """gz-transport's Python bindings cannot be had."""


class Transport(Protocol):
    """What the bridge needs of gz-transport. Messages are bytes."""

    def subscribe(self, topic: str, kind: str, give: Callable[[bytes], None]) -> None:
        """Hear a topic's messages of a type; ``give`` is called in another thread, and briefly."""

    def unsubscribe(self, topic: str) -> None:
        """Hear it no more."""

    def request(self, service: str, kind: str, data: bytes, patience: float) -> bool:
        """Ask a service that answers with a ``Boolean``: whether it said yes within some s."""


def bindings() -> ModuleType:
    """gz-transport's Python module, of the newest Gazebo that there is.

    Raises:
        NoTransportError: there is none for this Python.
    """
    why = []
    for name in MODULES:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
        except ImportError as error:  # a library that is missing, or built for another Python
            why.append(f"{name}: {error}")
    python = ".".join(map(str, sys.version_info[:2]))
    raise NoTransportError(
        f"gz-transport's Python bindings are missing for Python {python}"
        f"{' (' + '; '.join(why) + ')' if why else ''}. They come from where Gazebo comes from, "
        "for the system's own Python 3: sudo apt-get install python3-gz-transport13 for Harmonic "
        "(apt-cache search python3-gz-transport shows those of other versions). Make cinempc's "
        "environment from that Python, and let it see the system's packages: "
        "python3 -m venv --system-site-packages .venv, before launch/setup.sh"
    )


class GazeboTransport:
    """gz-transport in this process; who is heard is set by ``GZ_PARTITION`` and ``GZ_IP``.

    A process that has subscribed should not `request`: the bindings hold Python's lock while they
    wait for the answer, and the thread that would bring it waits for that lock as soon as it has
    a message to give. `sim.gazebo.actor_start` asks, in a process of its own.

    Raises:
        NoTransportError: there are no bindings.
    """

    def __init__(self) -> None:
        self._module = bindings()
        self._node: Any = self._module.Node()

    def subscribe(self, topic: str, kind: str, give: Callable[[bytes], None]) -> None:
        """Hear a topic's messages of a type.

        Raises:
            CinempcError: gz-transport refuses.
        """

        def heard(data: bytes, _info: Any) -> None:
            give(data)

        options = self._module.SubscribeOptions()
        if not self._node.subscribe_raw(topic, heard, messages.full_name(kind), options):
            raise CinempcError(f"gz-transport does not subscribe to {topic}")

    def unsubscribe(self, topic: str) -> None:
        """Hear it no more."""
        self._node.unsubscribe(topic)

    def request(self, service: str, kind: str, data: bytes, patience: float) -> bool:
        """Ask a service that answers with a ``Boolean``: whether it said yes within some s."""
        done, answer = self._node.request_raw(
            service, data, messages.full_name(kind), messages.full_name("Boolean"),
            round(1e3 * patience),
        )  # fmt: skip
        if not done:
            return False
        try:
            return bool(messages.parse("Boolean", answer).data)
        except messages.BadMessageError:
            return False
