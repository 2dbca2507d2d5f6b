"""From observations to a subject's state: a filter each, late and out-of-order ones included.

Observations come 50 to 300 ms late and not always in order: the filter keeps its last second, goes
back to before a late one and runs forward again. One far from the prediction is left out, but a
series of them that agrees with itself is a subject that turned on its heel, or shows that the
track began on a false detection: the filter then starts again from it.

Source of the tests of consistency: Y. Bar-Shalom, X. R. Li and T. Kirubarajan, *Estimation with
Applications to Tracking and Navigation* (2001), section 5.4.
"""

from __future__ import annotations

import math
from bisect import insort
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cinempc.rig.subject import SubjectEstimate
from perception.localise import imm, motion
from perception.localise.detection import DetectionObservation
from perception.localise.heading import Heading
from perception.localise.motion import Belief, Dynamics
from perception.localise.observation import (
    HEIGHT,
    SIZE,
    TURN,
    HeightObservation,
    Observation,
    PositionObservation,
)

Floats = NDArray[np.float64]

_SERIES = 4  # observations at least, of which three quarters must agree, to start again


_VOUCHED = 0.03  # m, how exactly a script tells a height


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
    """What was believed after a piece of observation."""

    time: float
    belief: Belief
    observation: Observation


class SubjectFilter:
    """One subject's filter.

    Example:
        >>> hero = SubjectFilter("hero")
        >>> hero.update(PositionObservation(0.0, np.array([5.0, 0, 0]), 0.01 * np.eye(3)))
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
        self.dynamics = dynamics or Dynamics(
            ground=self.prior.ground, ground_std=self.prior.ground_std
        )
        self._stature: float | None = None  # the body height, m, that `tell` was told
        self.rejected = 0  #: Observations outside the gate or too old.
        self._heading = Heading(self.prior.heading)
        self._past: deque[_Snapshot] = deque()
        self._trimmed = False  # whether the track is older than what is remembered of it
        self._strays: list[Observation] = []  # outside the gate since the last one inside it

    @property
    def seen(self) -> bool:
        """Whether it was observed yet."""
        return bool(self._past)

    @property
    def last_seen(self) -> float:
        """When last, s; minus infinity where never."""
        return self._past[-1].time if self._past else -math.inf

    def distances(self, observations: Sequence[Observation]) -> Floats:
        """Squared Mahalanobis distances (n,) from where the subject is thought to be.

        Args:
            observations: n, all of one time.

        Returns:
            On the scale of 3 degrees of freedom whatever the observation has; nan while the subject
            was not seen.
        """
        before = self._before(observations[0].time) if observations else None
        if before is None:
            return np.full(len(observations), math.nan)
        believed = motion.predict(before.belief, observations[0].time - before.time, self.dynamics)
        found = imm.distances(believed, observations)
        return np.array([far * imm.gate(3) / imm.gate(freedom) for far, freedom in found])

    def update(self, observation: Observation) -> bool:
        """Take in observation, late one too.

        Returns:
            Whether it was used: not where it is not finite, too old (older than the track, too),
            or outside the gate.
        """
        if not self._past:
            first = self._first(observation) if math.isfinite(observation.time) else None
            if first is None:
                self.rejected += 1
                return False
            self._past.append(first)
            self._face(observation)
            return True
        newest = self._past[-1].time
        if not math.isfinite(observation.time):
            self.rejected += 1
            return False
        if self._past[0].time > observation.time >= newest - self.dynamics.memory:
            return self._begin_earlier(observation)
        old = not observation.time >= max(newest - self.dynamics.memory, self._past[0].time)
        if old or observation.rows(self._past[-1].belief.mean) is None:
            self.rejected += 1
            return False
        again: list[Observation] = []
        while self._past and self._past[-1].time > observation.time:
            again.append(self._past.pop().observation)
        used = self._step(observation)
        for later in reversed(again):
            self._step(later)
        if used:
            self._strays.clear()
        else:
            used = self._start_again(observation)
        while len(self._past) > 1 and self._past[1].time < newest - self.dynamics.memory:
            self._past.popleft()
            self._trimmed = True
        if used:
            self._face(observation)
        return used

    def tell(self, time: float, height: float) -> None:
        """Take a body height, m, from somebody who vouches for it, at a time, s.

        Estimates have it from now on. What a detector sees of a body is a few percent more or
        less, and stays the filter's own height, so that range and depth agree.
        """
        stature = HeightObservation(time, height)
        self._stature = height
        self.prior = replace(self.prior, height=height, height_std=stature.std)
        self.update(stature)

    def estimate(self, time: float) -> SubjectEstimate:
        """The subject at a time, predicted from its last observation.

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

    def _first(self, observation: Observation) -> _Snapshot | None:
        prior, size = self.prior, np.zeros(SIZE)
        guess = np.zeros(SIZE)
        if isinstance(observation, PositionObservation):
            guess[:3] = observation.position
        elif isinstance(observation, DetectionObservation):
            guess[:3] = observation.guess(prior.height, prior.ground)
        guess[HEIGHT] = prior.height
        size[:2] = _ANYWHERE
        size[2] = _ANYWHERE
        # A place is measured whole and may be anywhere; a picture needs the ground's help.
        if isinstance(observation, DetectionObservation) and prior.ground is not None:
            guess[2], size[2] = prior.ground, prior.ground_std
        size[3:5], size[5] = self.dynamics.speed, 0.1
        size[TURN], size[HEIGHT] = 0.3, prior.height_std
        belief = imm.fit(observation, guess, np.diag(size**2))
        return None if belief is None else _Snapshot(observation.time, belief, observation)

    def _begin_earlier(self, observation: Observation) -> bool:
        """Begin with an observation that is older than the track, all of which is remembered."""
        first = None if self._trimmed else self._first(observation)
        if first is None:
            self.rejected += 1
            return False
        later, rejected = self._past, self.rejected
        self._past = deque([first])
        if self._agreeing([s.observation for s in later]) < 0.75 * len(later):
            self._past, self.rejected = later, rejected + 1
            return False
        self._face(observation)
        return True

    def _step(self, observation: Observation) -> bool:
        before = self._past[-1]
        expected = motion.predict(before.belief, observation.time - before.time, self.dynamics)
        belief = imm.update(expected, observation)
        if belief is None:
            self.rejected += 1
            return False
        self._past.append(_Snapshot(observation.time, belief, observation))
        return True

    def _start_again(self, stray: Observation) -> bool:
        """Begin anew from the strays, once they have lasted and make a track of their own."""
        insort(self._strays, stray, key=lambda observation: observation.time)
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

    def _agreeing(self, observations: Iterable[Observation]) -> int:
        return sum([self._step(observation) for observation in observations])

    def _face(self, observation: Observation) -> None:
        mean, covariance = self._past[-1].belief.mean, self._past[-1].belief.covariance
        self._heading.walk(self._past[-1].time, mean[3:5], covariance[3:5, 3:5], float(mean[TURN]))
        if isinstance(observation, DetectionObservation) and observation.facing is not None:
            self._heading.look(observation.time, observation.facing)


_ANYWHERE = 1000.0  # m, as good as nothing known
