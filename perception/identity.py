"""Who is who: identities over tracks, and the script's subjects bound to them.

A track is a tracker's guess from one picture to the next; it ends behind a wall and may change
hands where two people cross. An identity lasts: it knows what a person wears and how they moved,
takes up the tracks that fit, and takes back those that changed hands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from perception.appearance import Appearance, Look, match
from perception.detections import Detections
from perception.motion import gate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LOOKS = 2.0  # what a wholly other look costs
_MOTION = 0.7  # what an impossible motion costs
_MISS = 1.2  # what it costs an identity to be nowhere in the picture
_MARGIN = 0.5  # by how much another assignment must be cheaper before tracks change hands
_TOUCH = 0.15  # share of a box covered by another from which its colours are not trusted
_RECOVER = 0.55  # appearance distance up to which a new track may be somebody known
_SURELY = 0.16  # the same where nothing but the look speaks for it; one's own varies by 0.1
_AWAY = 1.0  # s, from which the last place in the picture says nothing
_GATE = gate(3)
_FOREVER = 1e6  # the cost of a person who would be a bus


@dataclass
class Identity:
    """Somebody, or something, that the camera has met.

    Attributes:
        id: 1, 2, 3 … in the order of meeting.
        category: class name.
        appearance: running mean of what was seen unobstructed.
        track: the tracker's id now; None while not seen.
        time: when last seen, s.
        box: where then, in the picture in which they are tracked.
        frames: in how many pictures.
    """

    id: int
    category: str
    appearance: Appearance
    track: int | None
    time: float
    box: Floats
    frames: int = 1
    velocity: Floats = field(default_factory=lambda: np.zeros(2))  # of the box's centre, px/s
    touched: float = -np.inf  # when last overlapped
    # The last box that was surely theirs: before an overlap until well after it.
    clear_time: float = 0.0
    clear_box: Floats = field(default_factory=lambda: np.zeros(4))
    clear_velocity: Floats = field(default_factory=lambda: np.zeros(2))


class Roster:
    """Everybody met so far.

    Example:
        >>> tracks = tracker.update(detections, view, frame.time)
        >>> who = roster.assign(frame.time, detections, tracks, looks, boxes=tracker.boxes)

    Args:
        memory: how long somebody unseen is remembered, s.
        patience: for how long another assignment must be better before tracks change hands, s.
        quick: the same right after the boxes overlapped, s.
        settle: how long after an overlap a track still counts as possibly changed, s.
        linger: for how long somebody new may yet turn out to be somebody known, s.

    Attributes:
        identities: in the order that `assign` wants the rows of ``motion`` in.
        keep: ids never to forget.
        time: of the last `assign`, s.
    """

    def __init__(
        self,
        memory: float = 30.0,
        patience: float = 0.5,
        quick: float = 0.1,
        settle: float = 0.7,
        linger: float = 0.3,
    ) -> None:
        self.memory, self.patience, self.quick, self.settle = memory, patience, quick, settle
        self.linger = linger
        self.identities: list[Identity] = []
        self.keep: set[int] = set()
        self.time = -np.inf
        self._next = 1
        self._doubts: dict[frozenset[tuple[int, int]], float] = {}
        self._first_met: dict[int, float] = {}  # when a track without an identity was first seen

    def __getitem__(self, number: int) -> Identity:
        """By id; KeyError for one never met or forgotten."""
        for identity in self.identities:
            if identity.id == number:
                return identity
        raise KeyError(number)

    def seen(self) -> list[Identity]:
        """Those in the last picture."""
        return [i for i in self.identities if i.time == self.time]

    def assign(
        self,
        time: float,
        detections: Detections,
        tracks: Ints,
        looks: Sequence[Appearance],
        motion: Floats | None = None,
        boxes: Floats | None = None,
    ) -> list[int | None]:
        """Identity ids of the detections; None for those that are no confirmed track yet.

        Args:
            time: of the picture, s.
            detections: in it.
            tracks: (n,) their track ids, -1 for none.
            looks: their appearances.
            motion: (identities, n) squared Mahalanobis distances between `identities` and
                detections in the world, 3 degrees of freedom, nan where not known; without it
                the picture itself must do.
            boxes: (n, 4) in the picture in which motion is steady, `Tracker.boxes`; by default
                those of the detections.
        """
        tracks = np.asarray(tracks)
        boxes = detections.boxes if boxes is None else boxes
        boxes = np.asarray(boxes, dtype=float).reshape(-1, 4)
        names = [detections.name(k) for k in range(len(detections))]
        there = [k for k in range(len(detections)) if tracks[k] >= 0]
        covered = _covered(detections.boxes)
        touched = covered.max(1, initial=0.0) > _TOUCH
        hidden = (covered * _in_front(detections.boxes)).max(1, initial=0.0) > _TOUCH

        moved, plausible = self._motion(time, boxes, motion)
        alike = np.array(
            [[i.appearance.distance(look) for look in looks] for i in self.identities]
        ).reshape(len(self.identities), len(detections))
        cost = _MOTION * moved + _LOOKS * np.where(hidden, 0.3, 1.0) * alike
        same = np.array([[i.category == name for name in names] for i in self.identities])
        same = same.reshape(cost.shape).astype(bool)
        cost = np.where(same, cost, _FOREVER)

        by_track = {i.track: row for row, i in enumerate(self.identities) if i.track is not None}
        held = {by_track[int(tracks[k])]: k for k in there if int(tracks[k]) in by_track}
        held = {row: k for row, k in held.items() if same[row, k]}
        likely = same & plausible
        far = np.array([time - i.time > _AWAY for i in self.identities], bool)[:, None]
        blind = far & (np.isnan(motion) if motion is not None else np.ones(cost.shape, bool))
        near = (alike <= np.where(blind, _SURELY, _RECOVER)) | (hidden[None, :] & ~blind)
        fits = same & plausible & near
        fresh = self._recovered(cost, fits, held, there)
        held = self._rechecked(time, cost, plausible, held, fresh, there, tracks, hidden)

        who: list[int | None] = [None] * len(detections)
        for row, k in held.items():
            who[k] = self.identities[row].id
            self._see(
                self.identities[row],
                time,
                int(tracks[k]),
                boxes[k],
                looks[k],
                touched[k],
                hidden[k],
            )
        for identity in self.identities:
            if identity.time != time:
                identity.track = None
        missing = [row for row in range(len(self.identities)) if row not in held]
        waiting: dict[int, float] = {}
        for k in there:
            if who[k] is not None:
                continue
            track = int(tracks[k])
            since = waiting[track] = self._first_met.get(track, time)
            others = [m for m in there if m != k and who[m] is not None]
            if (covered[k, others] > 0.7).any():
                continue  # most likely a second box around somebody
            if time - since < self.settle and (covered[others, k] > 0.4).any():
                continue  # or a whole one, where before there was half of one
            if touched[k] and time - since < self.settle and plausible[missing, k].any():
                continue  # most likely somebody known, who cannot be told from another yet
            if time - since < self.linger and likely[missing, k].any():
                continue  # perhaps somebody known, of whom a picture or two will show more
            who[k] = self._meet(time, names[k], track, boxes[k], looks[k], touched[k])
        self._first_met = waiting
        self.time = time
        self._forget(time)
        return who

    def _motion(
        self, time: float, boxes: Floats, motion: Floats | None
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """Cost of the motion, 0 to 1, and whether it is possible, for identities and boxes."""
        cost = np.zeros((len(self.identities), len(boxes)))
        possible = np.ones(cost.shape, dtype=bool)
        if cost.size == 0:
            return cost, possible
        centre, tall = (
            (boxes[:, :2] + boxes[:, 2:]) / 2,
            np.maximum(boxes[:, 3] - boxes[:, 1], 1e-3),
        )
        for row, i in enumerate(self.identities):
            gap = max(time - i.clear_time, 0.0)
            here = (i.clear_box[:2] + i.clear_box[2:]) / 2 + i.clear_velocity * min(gap, 0.7)
            height = max(i.clear_box[3] - i.clear_box[1], 1e-3)
            # In body heights, somebody walks 0.8/s and runs 2/s, and may turn any moment.
            away = np.hypot(*(centre - here).T) / height / (0.25 + 1.2 * gap)
            grown = np.log(tall / height) / (0.25 + 0.4 * gap)
            squared = away**2 + grown**2
            cost[row], possible[row] = np.minimum(squared / 9, 1), squared < 9
        if motion is not None:
            motion = np.asarray(motion, dtype=float)
            if motion.shape != cost.shape:
                raise ValueError(f"motion must be {cost.shape}, it is {motion.shape}")
            known = np.isfinite(motion)
            cost = np.where(known, np.minimum(np.nan_to_num(motion) / _GATE, 1), cost)
            possible = np.where(known, np.nan_to_num(motion) <= _GATE, possible)
        return cost, possible

    def _recovered(
        self, cost: Floats, fits: NDArray[np.bool_], held: dict[int, int], there: list[int]
    ) -> dict[int, int]:
        """New tracks for identities that have none: row of identity to detection."""
        rows = [row for row in range(len(self.identities)) if row not in held]
        columns = [k for k in there if k not in held.values()]
        if not rows or not columns:
            return {}
        part = np.ix_(rows, columns)
        weighed = np.where(fits[part], cost[part], _FOREVER)
        pairs = zip(*linear_sum_assignment(weighed), strict=True)
        return {rows[a]: columns[b] for a, b in pairs if weighed[a, b] < _FOREVER}

    def _rechecked(
        self,
        time: float,
        cost: Floats,
        plausible: NDArray[np.bool_],
        held: dict[int, int],
        fresh: dict[int, int],
        there: list[int],
        tracks: Ints,
        hidden: NDArray[np.bool_],
    ) -> dict[int, int]:
        """The assignment after tracks that changed hands were taken back."""
        held = held | fresh
        if not held:
            self._doubts = {}
            return held
        n = len(self.identities)
        with_absence = np.hstack([cost[:, there], np.full((n, n), _MISS)])
        better = {
            int(a): there[b]
            for a, b in zip(*linear_sum_assignment(with_absence), strict=True)
            if b < len(there)
        }
        doubts: dict[frozenset[tuple[int, int]], float] = {}
        for rows in _differences(held, better):
            gain = sum(
                (cost[row, held[row]] if row in held else _MISS)
                - (cost[row, better[row]] if row in better else _MISS)
                for row in rows
            )
            if gain < _MARGIN:
                continue
            key = frozenset(
                (self.identities[row].id, int(tracks[better[row]]) if row in better else -1)
                for row in rows
            )
            since = doubts[key] = self._doubts.get(key, time)
            lately = any(time - self.identities[row].touched < self.settle for row in rows)
            impossible = any(not plausible[row, held[row]] for row in rows & held.keys())
            possible = all(plausible[row, better[row]] for row in rows & better.keys())
            arrived = any(better[row] not in held.values() for row in rows & better.keys())
            if rows & fresh.keys() or (lately and possible and (impossible or arrived)):
                wait = 0.0  # the tracker lost them: nothing speaks for its choice
            elif any(hidden[part[row]] for part in (held, better) for row in rows & part.keys()):
                doubts[key] = time  # what is seen now says little: wait until they are apart
                continue
            else:
                wait = self.quick if lately else self.patience
            if time - since >= wait:
                kept = {row: k for row, k in held.items() if row not in rows}
                held = kept | {row: better[row] for row in rows if row in better}
                for row in rows & better.keys():  # they start afresh where they are now
                    self.identities[row].clear_time = -np.inf
                del doubts[key]
        self._doubts = doubts
        return held

    def _see(
        self, i: Identity, time: float, track: int, box: Floats, look: Appearance,
        touched: bool, hidden: bool,
    ) -> None:  # fmt: skip
        """Take in where somebody is, and how they look and move as far as it is surely them."""
        gap = time - i.time
        if not hidden:
            # Another look is more likely other light or a wrong track than other clothes.
            near = i.appearance.distance(look) < 0.5
            rate = max(2 * min(gap, 0.1), 1 / (i.frames + 1)) if near else 0.2 * min(gap, 0.05)
            i.appearance = i.appearance.blend(look, rate)
        if touched:
            i.touched = time
        elif 0 < gap < 0.3 and i.track == track:
            shift = (box[:2] + box[2:] - i.box[:2] - i.box[2:]) / 2
            i.velocity = i.velocity + min(5 * gap, 1.0) * (shift / gap - i.velocity)
        i.track, i.time, i.box, i.frames = track, time, box.copy(), i.frames + 1
        if time - i.touched > self.settle or time - i.clear_time > 3:
            i.clear_time, i.clear_box, i.clear_velocity = time, i.box, i.velocity

    def _meet(
        self, time: float, category: str, track: int, box: Floats, look: Appearance, touched: bool
    ) -> int:
        new = Identity(self._next, category, look, track, time, box.copy())
        new.clear_time, new.clear_box = time, new.box
        if touched:
            new.touched = time
        self.identities.append(new)
        self._next += 1
        return new.id

    def _forget(self, time: float) -> None:
        def remembered(i: Identity) -> bool:
            # Who was there for a blink was a false detection more often than not.
            memory = self.memory if i.frames >= 5 else min(self.memory, 1.0)
            return i.id in self.keep or time - i.time <= memory

        self.identities = [i for i in self.identities if remembered(i)]


def _covered(boxes: Floats) -> Floats:
    """Share (n, n) of each box that each other box covers; 0 for itself."""
    boxes = np.asarray(boxes, dtype=float).reshape(-1, 4)
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    areas = np.maximum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), 1e-9)
    share: Floats = shared / areas[:, None]
    np.fill_diagonal(share, 0.0)
    return share


def _in_front(boxes: Floats) -> NDArray[np.bool_]:
    """Whether (n, n) each other box may be before a box: nearer feet are lower in the picture."""
    boxes = np.asarray(boxes, dtype=float).reshape(-1, 4)
    feet, tall = boxes[:, 3], boxes[:, 3] - boxes[:, 1]
    return feet[None, :] > (feet - 0.05 * tall)[:, None]


def _differences(one: dict[int, int], other: dict[int, int]) -> list[set[int]]:
    """Where two assignments differ: the groups of rows that exchange columns."""
    groups: list[tuple[set[int], set[int]]] = []
    for row in one.keys() | other.keys():
        if one.get(row) == other.get(row):
            continue
        rows, columns = {row}, {c for c in (one.get(row), other.get(row)) if c is not None}
        apart = []
        for group in groups:
            if group[1] & columns:
                rows |= group[0]
                columns |= group[1]
            else:
                apart.append(group)
        groups = [*apart, (rows, columns)]
    return [rows for rows, _ in groups]


@dataclass(frozen=True)
class Wanted:
    """What a script says of a subject.

    Attributes:
        look: category and colours.
        region: where in the picture at the start: left, top, right, bottom, fractions of it.
            Nobody farther from it than a third of the picture gets the part.
        position: where in the world at the start, m.
    """

    look: Look = field(default_factory=Look)
    region: tuple[float, float, float, float] | None = None
    position: Floats | None = None


class Cast:
    """Gives the script's subjects their identities, for good.

    Args:
        wanted: by the script's names.
        settle: pictures in which an identity must have been seen before it is given a part.
        least: share of pixels in the wanted colours below which nobody is bound.

    Attributes:
        bound: name to identity id.
    """

    def __init__(self, wanted: Mapping[str, Wanted], settle: int = 5, least: float = 0.15) -> None:
        self.wanted, self.settle, self.least = dict(wanted), settle, least
        self.bound: dict[str, int] = {}

    def bind(
        self,
        roster: Roster,
        places: Mapping[int, Sequence[float]] | None = None,
        positions: Mapping[int, Floats] | None = None,
    ) -> dict[str, int]:
        """Bind whom it can of those seen now, and give all bindings: name to identity id.

        Args:
            roster: after `Roster.assign`.
            places: by identity id, boxes in fractions of the picture.
            positions: by identity id, world positions, m.
        """
        free = [name for name in self.wanted if name not in self.bound]
        taken = set(self.bound.values())
        people = [i for i in roster.seen() if i.frames >= self.settle and i.id not in taken]
        if free and people:
            score = np.array(
                [[self._score(self.wanted[n], i, places, positions) for i in people] for n in free]
            )
            for a, b in zip(*linear_sum_assignment(score, maximize=True), strict=True):
                if score[a, b] > 0:
                    self.bound[free[a]] = people[b].id
        roster.keep |= set(self.bound.values())
        return dict(self.bound)

    def _score(
        self,
        wanted: Wanted,
        identity: Identity,
        places: Mapping[int, Sequence[float]] | None,
        positions: Mapping[int, Floats] | None,
    ) -> float:
        """How well somebody fits a part; 0 not at all."""
        if identity.category != wanted.look.category:
            return 0.0
        score = 0.1
        if wanted.look.torso or wanted.look.legs:
            share = match(wanted.look, identity.appearance)
            if share < self.least:
                return 0.0
            score += share
        if wanted.region is not None:
            if identity.id not in (places or {}):
                return 0.0
            left, top, right, bottom = (places or {})[identity.id]
            u, v = (left + right) / 2, (top + bottom) / 2
            region = wanted.region
            beside = max(region[0] - u, u - region[2], 0.0)
            above = max(region[1] - v, v - region[3], 0.0)
            near = float(np.exp(-((beside**2 + above**2) / 0.15**2)))
            if near < 0.02:
                return 0.0
            score += near
        if wanted.position is not None:
            if identity.id not in (positions or {}):
                return 0.0
            off = np.asarray((positions or {})[identity.id]) - np.asarray(wanted.position)
            # The ground is level enough, and heights of detections are not.
            score += float(np.exp(-np.hypot(*off[:2]) / 3.0))
        return score
