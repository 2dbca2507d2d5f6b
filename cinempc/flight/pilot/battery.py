"""The battery in flight: how full it is, said in steps as it empties."""

from __future__ import annotations

from cinempc.flight.pilot.reasons import AutopilotEvent
from cinempc.mavlink.telemetry import Battery
from cinempc.rig.log import EventLogger

#: What is left, as shares, at which it is said; and from which that is a warning.
_STEPS = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1, 0.07, 0.05, 0.02)
LOW = 0.35
#: What is left at which autopilots have failsafes for it (PX4: BAT_LOW_THR is 0.15).
FAILS = 0.2


class BatteryWatch:
    """Knows how full the batteries are.

    Args:
        log: where it is said.
    """

    def __init__(self, log: EventLogger) -> None:
        self._log = log
        self._known: dict[int, Battery] = {}
        self._said = 1.0

    @property
    def share(self) -> float | None:
        """What is left in the emptiest, from 0 to 1; None while unknown."""
        return min((battery.share for battery in self._known.values()), default=None)

    def take(self, number: int, battery: Battery) -> None:
        """Battery ``number`` has told how full it is."""
        self._known[number] = battery
        passed = [step for step in _STEPS if battery.share <= step < self._said]
        if not passed:
            return
        self._said = min(passed)
        kind = AutopilotEvent.BATTERY_LOW if battery.share <= LOW else AutopilotEvent.BATTERY
        volts = "" if battery.volts is None else f", {battery.volts:.1f} V"
        self._log.log(kind, share=battery.share, volts=volts)
