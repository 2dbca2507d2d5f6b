"""Who on the network speaks as a gimbal."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from cinempc.mavlink.dialect import mavlink
from cinempc.rig.clock import Clock

#: Time, wall s, for which the gimbal that is expected is waited for, and that a report is new.
_PATIENCE, _NEW = 2.0, 1.0
#: Most senders that are remembered: addresses are anybody's.
_MOST = 32


class Sender(NamedTuple):
    """Who a gimbal's attitude comes from: the component, and the gimbal device that it names, 0
    for none."""

    component: int
    device: int


def sender_of(message: Any) -> Sender:
    """Of a GIMBAL_DEVICE_ATTITUDE_STATUS; of GIMBAL_DEVICE_INFORMATION as well."""
    return Sender(message.get_srcComponent(), int(getattr(message, "gimbal_device_id", 0)))


class Senders:
    """Whoever reports a gimbal's attitude, or says in its heartbeat that it is a gimbal.

    Args:
        wall: this computer's clock.

    Attributes:
        gimbals: components that say so in their heartbeats.
    """

    def __init__(self, wall: Clock) -> None:
        self._wall = wall
        self._reports: dict[Sender, float] = {}  # when the newest came
        self._first = math.nan
        self.gimbals: set[int] = set()

    def heartbeat(self, message: Any) -> None:
        """Take in a heartbeat."""
        if message.type == mavlink.MAV_TYPE_GIMBAL and len(self.gimbals) < _MOST:
            self.gimbals.add(message.get_srcComponent())

    def report(self, message: Any) -> None:
        """Take in a report of an attitude."""
        sender, now = sender_of(message), self._wall.now()
        if math.isnan(self._first):
            self._first = now
        if sender in self._reports or len(self._reports) < _MOST:
            self._reports[sender] = now

    @property
    def only(self) -> Sender | None:
        """The only one that reports, once others have had the time to; else None."""
        now = self._wall.now()
        if not now - self._first > _PATIENCE:
            return None
        fresh = [each for each, came in self._reports.items() if now - came < _NEW]
        return fresh[0] if len(fresh) == 1 else None

    @property
    def words(self) -> str:
        """Who reports, to follow a sentence; empty where nobody does."""
        named = [
            f"component {sender.component}"
            + (f" (gimbal device {sender.device})" if sender.device else "")
            for sender in sorted(self._reports)
        ]
        return f"; heard: {', '.join(named)}" if named else ""
