"""One degree of freedom of a camera's lens as it is commanded: the newest value wins, nothing
waits, nothing piles up."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from cinempc.flight.camera.lens.model import Ring
from cinempc.rig.camera import Dof

#: Shortest time between two commands, wall s: cameras follow no more than 20 to 25 a second.
_INTERVAL = 0.038
#: Time, wall s, after which a command without an answer is sent again, the newest value in it;
#: different ones, so that a link that loses every second packet does not lose always the same.
_REPEAT = {Dof.zoom: 0.27, Dof.focus: 0.31, Dof.aperture: 0.37}
#: Time of asking without any answer, wall s, after which the camera does not do it: twenty times,
#: so that a link that loses half of everything does not look like it.
SILENT = 8.0
#: Refusals in a row after which a camera that could does not any more.
_REFUSALS = 5
#: How many of its resolutions a lens has moved before the movement is seen, and how many a
#: command must differ by from where the lens stands to measure the latency with it.
_SEEN, _STEP = 2.0, 6.0
_LATENCIES = 500


@dataclass(frozen=True)
class Latency:
    """From a command to the first report that shows its effect, s."""

    count: int
    median: float
    p95: float


class Use(Enum):
    """Whether a degree of freedom is commanded."""

    NONE = "not commanded: not tried yet, or it cannot be"
    TRIED = "commanded, to see whether the camera does it"
    CONFIRMED = "commanded, and the camera has said yes since it was there"


class UseSignal(Enum):
    """What can happen to that."""

    BEGIN = "it is to be tried"
    ACCEPTED = "the camera says yes"
    GIVEN_UP = "the camera cannot"
    FORGOTTEN = "the camera is there again"


#: What follows from which signal; what is not here changes nothing.
USES: dict[tuple[Use, UseSignal], Use] = {
    (Use.NONE, UseSignal.BEGIN): Use.TRIED,
    (Use.TRIED, UseSignal.ACCEPTED): Use.CONFIRMED,
    (Use.TRIED, UseSignal.GIVEN_UP): Use.NONE,
    (Use.CONFIRMED, UseSignal.GIVEN_UP): Use.NONE,
    (Use.CONFIRMED, UseSignal.FORGOTTEN): Use.TRIED,
}


class Channel:
    """A degree of freedom.

    Args:
        dof: which.
        ring: where it is thought to be.
        resolution: smallest change worth a command.
        transmit: sends a value; nothing is waited for.

    Attributes:
        use: whether it is commanded.
        sent, accepted, refused: commands and their answers.
        reported: when a report came last, in the time of `report`; -inf before the first.
        seen: the newest report.
    """

    def __init__(
        self, dof: Dof, ring: Ring, resolution: float, transmit: Callable[[float], None]
    ) -> None:
        self.dof, self.ring, self.resolution = dof, ring, resolution
        self._transmit = transmit
        self.use = Use.NONE
        self.sent = self.accepted = self.refused = 0
        self.reported, self.seen = -math.inf, math.nan
        self._wanted = self._last = math.nan
        self._sent_at = -math.inf
        self._open = 0  # commands since the last one that is known to have arrived
        self._asked_since = math.nan  # without an answer
        self._refusals = 0
        self._step: tuple[float, float, float] | None = None
        self._latencies: deque[float] = deque(maxlen=_LATENCIES)

    def _advance(self, signal: UseSignal) -> None:
        self.use = USES.get((self.use, signal), self.use)

    @property
    def usable(self) -> bool:
        """Whether it is commanded."""
        return self.use is not Use.NONE

    @property
    def confirmed(self) -> bool:
        """Whether the camera has said yes to a command since it was there."""
        return self.use is Use.CONFIRMED

    def begin(self) -> None:
        """Command it from now on."""
        self._advance(UseSignal.BEGIN)

    def give_up(self) -> None:
        """Command it no more."""
        self._advance(UseSignal.GIVEN_UP)

    @property
    def answered(self) -> bool:
        """Whether any command was ever answered with yes."""
        return self.accepted > 0

    @property
    def wished(self) -> bool:
        """Whether it was told where to go since it was there."""
        return not math.isnan(self._wanted)

    def silent(self, wall: float) -> bool:
        """Whether it was asked for too long without any answer."""
        return wall - self._asked_since > SILENT

    def want(self, value: float, time: float, wall: float) -> None:
        """Go there: sent now or as soon as may be, unless a newer value comes first."""
        self._wanted = value
        self.flush(time, wall)

    def flush(self, time: float, wall: float) -> None:
        """Send what is due."""
        if not self.usable or math.isnan(self._wanted):
            return
        since = wall - self._sent_at
        # Not below: a value that was never sent is NaN.
        changed = not abs(self._wanted - self._last) <= self.resolution
        if changed:
            if since < _INTERVAL:
                return
            self._measure(time)
        elif self._open == 0 or since < _REPEAT[self.dof]:
            return
        else:
            self._open = 0
        self._last, self._sent_at = self._wanted, wall
        self._open += 1
        self.sent += 1
        if math.isnan(self._asked_since):
            self._asked_since = wall
        self.ring.command(self._last, time)
        self._transmit(self._last)

    def accept(self) -> None:
        """The camera says that it does it."""
        self.accepted += 1
        self._advance(UseSignal.ACCEPTED)
        self._open = max(0, self._open - 1)
        self._asked_since = math.nan
        self._refusals = 0

    def refuse(self, for_now: bool) -> bool:
        """The camera says no.

        Args:
            for_now: whether it says that it might later.

        Returns:
            whether it is to be taken as one that cannot.
        """
        self.refused += 1
        self._asked_since = math.nan
        if for_now:
            return False
        self._open = max(0, self._open - 1)
        self._refusals += 1
        return not self.answered or self._refusals >= _REFUSALS

    def forget(self) -> None:
        """The camera is there again: what it was told is gone, what was wished before is old."""
        self._wanted = self._last = math.nan
        self._advance(UseSignal.FORGOTTEN)
        self._open, self._step = 0, None
        self._sent_at = -math.inf
        self._asked_since = math.nan
        self._refusals = 0

    # --- what comes back ---

    def report(self, value: float, time: float) -> None:
        """The camera reports where it is."""
        self.ring.report(value, time)
        self.reported, self.seen = time, value
        if self._step is None:
            return
        since, start, goal = self._step
        moved = (value - start) * math.copysign(1.0, goal - start)
        if moved > _SEEN * self.resolution:
            self._latencies.append(time - since)
            self._step = None
        elif time - since > 3.0:
            self._step = None

    def _measure(self, time: float) -> None:
        """Begin to measure, where a lens that stood still is told to move."""
        if self._step is not None or math.isnan(self.seen):
            return
        still = math.isnan(self._last) or abs(self.seen - self._last) <= 2 * self.resolution
        if still and abs(self._wanted - self.seen) > _STEP * self.resolution:
            self._step = (time, self.seen, self._wanted)

    def latency(self) -> Latency:
        """What was measured so far; NaN where nothing was."""
        found = sorted(self._latencies)
        if not found:
            return Latency(0, math.nan, math.nan)
        return Latency(
            len(found), found[len(found) // 2], found[min(len(found) - 1, int(0.95 * len(found)))]
        )


def snap(wanted: float, offered: tuple[float, ...], current: float) -> float:
    """The offered value nearest to the wanted one; the current one until another is nearer by a
    fifth of the way between the two, so that a wish on the border does not set it to and fro."""
    nearest = min(offered, key=lambda value: abs(value - wanted))
    if current in offered and nearest != current:
        gap = abs(nearest - current)
        if abs(current - wanted) - abs(nearest - wanted) < 0.2 * gap:
            return current
    return nearest
