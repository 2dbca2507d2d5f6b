"""Which component on the network is the camera.

By custom a camera's component is one of 100 to 105 and its heartbeat says ``MAV_TYPE_CAMERA``; some
do one of the two only. A camera with an address of its own on the network may have a system of its
own, too: without an autopilot in it, it is nobody else's.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from cinempc.flight.camera.reports import Information
from cinempc.mavlink.commands import Target
from cinempc.mavlink.dialect import enum_name, mavlink
from cinempc.rig.camera import Mavlink

#: By custom.
COMPONENTS = range(mavlink.MAV_COMP_ID_CAMERA, mavlink.MAV_COMP_ID_CAMERA6 + 1)
#: Most components that are remembered: addresses are anybody's.
_MOST = 64


class Place(Enum):
    """Where a camera was found."""

    NAMED = "where the camera's file says"
    VEHICLE = "in the vehicle's system"
    OWN = "in a system of its own"


class Discovery:
    """Collects heartbeats until it is known who the camera is.

    Args:
        how: of the camera's file, which may name its component and system.
        system: the vehicle's.
    """

    def __init__(self, how: Mavlink, system: int) -> None:
        self._how, self._system = how, system
        self._heard: dict[Target, int] = {}  # MAV_TYPE of each
        self._piloted: set[int] = set()  # systems with an autopilot

    def hear(self, heartbeat: Any) -> Place | None:
        """Take in a heartbeat; what its sender is, None for no camera."""
        sender = Target(heartbeat.get_srcSystem(), heartbeat.get_srcComponent())
        if heartbeat.autopilot != mavlink.MAV_AUTOPILOT_INVALID:
            self._piloted.add(sender.system)
        if sender in self._heard or len(self._heard) < _MOST:
            self._heard[sender] = int(heartbeat.type)
        return self._place(sender)

    def _place(self, sender: Target) -> Place | None:
        named, home = self._how.component, self._how.system or self._system
        if named is not None and sender == Target(home, named):
            return Place.NAMED
        if named is not None and (self._how.system is not None or sender.component != named):
            return None
        camera = self._heard.get(sender) == mavlink.MAV_TYPE_CAMERA
        if named is None and not camera and sender.component not in COMPONENTS:
            return None
        if sender.component == mavlink.MAV_COMP_ID_AUTOPILOT1:
            return None
        if sender.system == home:
            return Place.VEHICLE
        if self._how.system is not None or sender.system in self._piloted:
            return None
        return Place.OWN

    def cameras(self, place: Place) -> list[Target]:
        """All cameras that were heard at such a place, the lowest component first."""
        found = [each for each in self._heard if self._place(each) is place]
        return sorted(found, key=lambda each: (each.system, each.component))

    @property
    def others(self) -> str:
        """Who was heard that is not the camera, in words; empty where nobody was."""
        named = [
            f"component {each.component}"
            + (f" of system {each.system}" if each.system != self._system else "")
            + f" ({enum_name('MAV_TYPE', kind)})"
            for each, kind in sorted(
                self._heard.items(), key=lambda entry: (entry[0].system, entry[0].component)
            )
        ]
        return f"; heard: {', '.join(named)}" if named else ""


def best(cameras: list[Target], informations: Mapping[Target, Information]) -> Target:
    """The camera to use of several: one that says what it is, that shows more than heat, that has
    a stream, records and moves its lens, in this order; of equals the lowest component."""

    def merit(camera: Target) -> tuple[bool, ...]:
        about = informations.get(camera)
        flags = 0 if about is None else about.flags
        return (
            about is not None,
            about is not None and not about.is_thermal,
            bool(flags & mavlink.CAMERA_CAP_FLAGS_HAS_VIDEO_STREAM),
            bool(flags & mavlink.CAMERA_CAP_FLAGS_CAPTURE_VIDEO),
            bool(flags & mavlink.CAMERA_CAP_FLAGS_HAS_BASIC_ZOOM),
            bool(flags & mavlink.CAMERA_CAP_FLAGS_HAS_BASIC_FOCUS),
        )

    return max(cameras, key=lambda camera: (merit(camera), -camera.component))
