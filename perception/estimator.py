"""From evidence to a subject's state: a filter each, late and out-of-order evidence included.

Evidence comes 50 to 300 ms late and not always in order: the filter keeps its last second, goes
back to before a late piece and runs forward again. Evidence far from the prediction is left out,
but a series of it that agrees with itself is a subject that turned on its heel, or shows that the
track began on a false detection: the filter then starts again from it.

Source of the tests of consistency: Y. Bar-Shalom, X. R. Li and T. Kirubarajan, *Estimation with
Applications to Tracking and Navigation* (2001), section 5.4.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cinempc.subject import SubjectEstimate
from perception import motion
from perception.evidence import Sighting
from perception.heading import Heading
from perception.motion import HEIGHT, SIZE, TURN, Belief, Dynamics, Evidence, Rows

Floats = NDArray[np.float64]

_SERIES = 4  # pieces of evidence at least, of which three quarters must agree, to start again


@dataclass(frozen=True, order=True)
class Measurement:
    """Where a subject was seen, as a place: evidence that needs no picture.

    Attributes:
        time: of the exposure, s.
        position: ground point, world frame, m.
        covariance: (3, 3), m².
        height: the body's, m, or None.
    """

    time: float
    position: Floats = field(compare=False)
    covariance: Floats = field(compare=False)
    height: float | None = field(default=None, compare=False)

    def rows(self, state: Floats) -> Rows | None:
        """Linear about any state; None where it is no number."""
        size = 3 if self.height is None else 4
        residual, jacobian, covariance = (
            np.zeros(size),
            np.zeros((size, SIZE)),
            np.zeros((size,) * 2),
        )
        residual[:3], covariance[:3, :3] = self.position - state[:3], self.covariance
        jacobian[:3, :3] = np.eye(3)
        if self.height is not None:
            residual[3], jacobian[3, HEIGHT] = self.height - state[HEIGHT], 1.0
            covariance[3, 3] = _HEIGHT_NOISE**2
        if not (np.isfinite(residual).all() and np.isfinite(covariance).all()):
            return None
        return Rows(residual, jacobian, covariance, np.zeros(size, bool))


@dataclass(frozen=True)
class Stature:
    """A body height, m, that somebody says at a time, s, and how sure they are."""

    time: float
    height: float
    std: float = 0.05

    def rows(self, state: Floats) -> Rows | None:
        """The height alone."""
        jacobian = np.zeros((1, SIZE))
        jacobian[0, HEIGHT] = 1.0
        residual = np.array([self.height - state[HEIGHT]])
        return Rows(residual, jacobian, np.array([[self.std**2]]), np.zeros(1, bool))


_VOUCHED = 0.03  # m, how exactly a script tells a height
_HEIGHT_NOISE = 0.08  # m, of a height measured with a place


@dataclass(frozen=True)
class Prior:
    """What is known of a subject before it is seen.

    Attributes:
        height: of the body, m.
        height_std: how sure that is, m; 0.03 where a script says it, 0.09 for any adult.
        ground: height of the ground where it walks, m, or None where that is not known.
        ground_std: how sure that is, m.
        heading: rad.
    """

    height: float = 1.75
    height_std: float = 0.09
    ground: float | None = 0.0
    ground_std: float = 0.05
    heading: float = 0.0


@dataclass
class _Snapshot:
    """What was believed after a piece of evidence."""

    time: float
    belief: Belief
    evidence: Evidence


class SubjectFilter:
    """One subject's filter.

    Example:
        >>> hero = SubjectFilter("hero")
        >>> hero.update(Measurement(0.0, np.array([5.0, 0, 0]), 0.01 * np.eye(3)))
        True
        >>> hero.estimate(0.1).position

    Args:
        name: the subject's id in the script.
        prior: what is known before.
        dynamics: how it moves.
        category: its class.
    """

    def __init__(
        self,
        name: str,
        prior: Prior | None = None,
        dynamics: Dynamics | None = None,
        category: str = "person",
    ) -> None:
        self.name = name
        self.category = category
        self.prior = prior or Prior()
        self.dynamics = dynamics or Dynamics()
        self._stature: float | None = None  # the body height, m, that `tell` was told
        self.rejected = 0  #: Pieces of evidence outside the gate or too old.
        self._heading = Heading(self.prior.heading)
        self._past: deque[_Snapshot] = deque()
        self._trimmed = False  # whether the track is older than what is remembered of it
        self._strays: list[Evidence] = []  # outside the gate since the last one inside it

    @property
    def seen(self) -> bool:
        """Whether there was evidence yet."""
        return bool(self._past)

    @property
    def last_seen(self) -> float:
        """When last, s; minus infinity where never."""
        return self._past[-1].time if self._past else -math.inf

    def distances(self, pieces: Sequence[Evidence]) -> Floats:
        """Squared Mahalanobis distances (n,) from where the subject is thought to be.

        Args:
            pieces: n, all of one time.

        Returns:
            On the scale of 3 degrees of freedom whatever the evidence has; nan while the subject
            was not seen.
        """
        before = self._before(pieces[0].time) if pieces else None
        if before is None:
            return np.full(len(pieces), math.nan)
        believed = motion.predict(before.belief, pieces[0].time - before.time, self.dynamics)
        found = motion.distances(believed, pieces)
        return np.array([far * motion.gate(3) / motion.gate(freedom) for far, freedom in found])

    def update(self, evidence: Evidence) -> bool:
        """Take in evidence, late one too.

        Returns:
            Whether it was used: not where it is not finite, too old (older than the track, too),
            or outside the gate.
        """
        if not self._past:
            first = self._first(evidence) if math.isfinite(evidence.time) else None
            if first is None:
                self.rejected += 1
                return False
            self._past.append(first)
            self._face(evidence)
            return True
        newest = self._past[-1].time
        if not math.isfinite(evidence.time):
            self.rejected += 1
            return False
        if self._past[0].time > evidence.time >= newest - self.dynamics.memory:
            return self._begin_earlier(evidence)
        old = not evidence.time >= max(newest - self.dynamics.memory, self._past[0].time)
        if old or evidence.rows(self._past[-1].belief.mean) is None:
            self.rejected += 1
            return False
        again: list[Evidence] = []
        while self._past and self._past[-1].time > evidence.time:
            again.append(self._past.pop().evidence)
        used = self._step(evidence)
        for later in reversed(again):
            self._step(later)
        if used:
            self._strays.clear()
        else:
            used = self._start_again(evidence)
        while len(self._past) > 1 and self._past[1].time < newest - self.dynamics.memory:
            self._past.popleft()
            self._trimmed = True
        if used:
            self._face(evidence)
        return used

    def tell(self, time: float, height: float) -> None:
        """Take a body height, m, from somebody who vouches for it, at a time, s.

        Estimates have it from now on. What a detector sees of a body is a few percent more or
        less, and stays the filter's own height, so that range and depth agree.
        """
        stature = Stature(time, height)
        self._stature = height
        self.prior = replace(self.prior, height=height, height_std=stature.std)
        self.update(stature)

    def estimate(self, time: float) -> SubjectEstimate:
        """The subject at a time, predicted from its last evidence.

        Raises:
            ValueError: it was never seen.
        """
        if not self._past:
            raise ValueError(f"{self.name} was not seen yet")
        last = self._past[-1]
        belief = motion.predict(last.belief, time - last.time, self.dynamics)
        mean, covariance = belief.mean, belief.covariance
        height, height_variance = float(mean[HEIGHT]), float(covariance[HEIGHT, HEIGHT])
        place = mean[:3].copy()
        if self._stature is not None:
            # The middle of the body is where it was seen, whatever its ends were taken for.
            place[2] += 0.5 * (height - self._stature)
            height, height_variance = self._stature, _VOUCHED**2
        heading, variance = self._heading.estimate(time)
        return SubjectEstimate(
            id=self.name,
            time=time,
            position=place,
            velocity=mean[3:6],
            heading=heading,
            height=height,
            turn_rate=float(mean[TURN]),
            covariance=covariance[:6, :6],
            heading_variance=variance,
            height_variance=height_variance,
            age=max(0.0, time - last.time),
            category=self.category,
        )

    # --- the filter ---

    def _before(self, time: float) -> _Snapshot | None:
        """The last snapshot not after a time, or the first."""
        for snapshot in reversed(self._past):
            if snapshot.time <= time:
                return snapshot
        return self._past[0] if self._past else None

    def _first(self, evidence: Evidence) -> _Snapshot | None:
        prior, size = self.prior, np.zeros(SIZE)
        guess = np.zeros(SIZE)
        if isinstance(evidence, Measurement):
            guess[:3] = evidence.position
        elif isinstance(evidence, Sighting):
            guess[:3] = evidence.guess(prior.height, prior.ground)
        guess[HEIGHT] = prior.height
        size[:2] = _ANYWHERE
        size[2] = _ANYWHERE
        # A place is measured whole and may be anywhere; a picture needs the ground's help.
        if isinstance(evidence, Sighting) and prior.ground is not None:
            guess[2], size[2] = prior.ground, prior.ground_std
        size[3:5], size[5] = self.dynamics.speed, 0.1
        size[TURN], size[HEIGHT] = 0.3, prior.height_std
        belief = motion.fit(evidence, guess, np.diag(size**2))
        return None if belief is None else _Snapshot(evidence.time, belief, evidence)

    def _begin_earlier(self, evidence: Evidence) -> bool:
        """Begin with evidence that is older than the track, all of which is remembered."""
        first = None if self._trimmed else self._first(evidence)
        if first is None:
            self.rejected += 1
            return False
        later, rejected = self._past, self.rejected
        self._past = deque([first])
        if self._agreeing([s.evidence for s in later]) < 0.75 * len(later):
            self._past, self.rejected = later, rejected + 1
            return False
        self._face(evidence)
        return True

    def _step(self, evidence: Evidence) -> bool:
        before = self._past[-1]
        expected = motion.predict(before.belief, evidence.time - before.time, self.dynamics)
        belief = motion.update(expected, evidence)
        if belief is None:
            self.rejected += 1
            return False
        self._past.append(_Snapshot(evidence.time, belief, evidence))
        return True

    def _start_again(self, stray: Evidence) -> bool:
        """Begin anew from the strays, once they have lasted and make a track of their own."""
        insort(self._strays, stray, key=lambda evidence: evidence.time)
        if (
            len(self._strays) < _SERIES
            or self._strays[-1].time - self._strays[0].time < self.dynamics.patience
        ):
            return False
        first = self._first(self._strays[0])
        past, rejected = self._past, self.rejected
        agreeing = 0
        if first is not None:
            self._past = deque([first])
            agreeing = 1 + self._agreeing(self._strays[1:])
        self.rejected = rejected
        if agreeing < 0.75 * len(self._strays):
            self._past = past
            del self._strays[0]
            return False
        self._strays.clear()
        return True

    def _agreeing(self, pieces: Iterable[Evidence]) -> int:
        return sum([self._step(piece) for piece in pieces])

    def _face(self, evidence: Evidence) -> None:
        mean, covariance = self._past[-1].belief.mean, self._past[-1].belief.covariance
        self._heading.walk(self._past[-1].time, mean[3:5], covariance[3:5, 3:5])
        if isinstance(evidence, Sighting) and evidence.facing is not None:
            self._heading.look(evidence.time, evidence.facing)


_ANYWHERE = 1000.0  # m, as good as nothing known
