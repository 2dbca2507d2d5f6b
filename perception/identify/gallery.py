"""Who is who: a gallery of identities over tracks.

A track is a tracker's guess from one picture to the next; it ends behind a wall and may change
hands where two people cross. An identity lasts: it knows what a person wears and how they moved,
takes up the tracks that fit, and takes back those that changed hands. Where neither clothes nor
motion make sure who it is, the identity is unsure until they do, and learns nothing meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from perception.detect.detections import Detections
from perception.identify.appearance import Appearance
from perception.identify.association import (
    FORBIDDEN,
    covered_shares,
    differences,
    in_front,
    match_new_tracks,
    motion_costs,
)
from perception.identify.identity import Doubt, Identity

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_APPEARANCE = 2.0  # what a wholly other appearance costs
_MOTION = 0.7  # what an impossible motion costs
_MISS = 1.2  # what it costs an identity to be nowhere in the picture
_MARGIN = 0.5  # by how much another assignment must be cheaper before tracks change hands
_TOUCH = 0.15  # share of a box covered by another from which its colours are not trusted
_RECOVER = 0.55  # appearance distance up to which a new track may be somebody known
_SURELY = 0.16  # the same where nothing but the appearance speaks for it; one's own varies by 0.1
_PERHAPS = 0.22  # where it is said to be unsure
_AGREES = 0.25  # appearance distance that confirms what a motion makes likely
_AWAY = 1.0  # s, from which the last place in the picture says nothing
_EXPECTED = 2.0, 0.4  # s and cost of a motion, up to which it tells by itself who it is, if alone
_LOOKS = 6  # clear pictures that end a doubt


class Gallery:
    """Everybody met so far.

    Example:
        >>> tracks = tracker.update(detections, view, frame.time)
        >>> who = gallery.assign(frame.time, detections, tracks, appearances, boxes=tracker.boxes)

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

    def unsure(self) -> frozenset[int]:
        """The ids of those in the last picture who may be somebody else."""
        return frozenset(i.id for i in self.seen() if i.unsure)

    def assign(
        self,
        time: float,
        detections: Detections,
        tracks: Ints,
        appearances: Sequence[Appearance],
        motion: Floats | None = None,
        boxes: Floats | None = None,
    ) -> list[int | None]:
        """Identity ids of the detections; None for those that are no confirmed track yet.

        Args:
            time: of the picture, s.
            detections: in it.
            tracks: (n,) their track ids, -1 for none.
            appearances: their appearances.
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
        covered = covered_shares(detections.boxes)
        touched = covered.max(1, initial=0.0) > _TOUCH
        hidden = (covered * in_front(detections.boxes)).max(1, initial=0.0) > _TOUCH

        moved, plausible = motion_costs(self.identities, time, boxes, motion)
        alike = np.array(
            [
                [i.appearance.agreement(appearance) for appearance in appearances]
                for i in self.identities
            ]
        ).reshape(len(self.identities), len(detections))
        cost = _MOTION * moved + _APPEARANCE * np.where(hidden, 0.3, 1.0) * alike
        same = np.array([[i.category == name for name in names] for i in self.identities])
        same = same.reshape(cost.shape).astype(bool)
        cost = np.where(same, cost, FORBIDDEN)

        by_track = {i.track: row for row, i in enumerate(self.identities) if i.track is not None}
        held = {by_track[int(tracks[k])]: k for k in there if int(tracks[k]) in by_track}
        held = {row: k for row, k in held.items() if same[row, k]}
        likely = same & plausible
        far = np.array([time - i.time > _AWAY for i in self.identities], bool)[:, None]
        blind = far & (np.isnan(motion) if motion is not None else np.ones(cost.shape, bool))
        near = (alike <= np.where(blind, _PERHAPS, _RECOVER)) | (hidden[None, :] & ~blind)
        fits = same & plausible & near
        fresh = match_new_tracks(cost, fits, held, there)
        held = self._rechecked(time, cost, plausible, held, fresh, there, tracks, hidden)
        unsure = self._doubtful(time, alike, moved, likely[:, there], blind)

        who: list[int | None] = [None] * len(detections)
        for row, k in list(held.items()):
            identity = self.identities[row]
            if identity.track != int(tracks[k]) and (row in fresh or identity.unsure):
                before = identity.doubt.before if identity.doubt else replace(identity)
                limit = _SURELY if blind[row, k] else _AGREES
                identity.doubt = Doubt(before, appearances[k], limit) if unsure[row, k] else None
            identity.see(
                time, int(tracks[k]), boxes[k], appearances[k], touched[k], hidden[k], self.settle
            )
            if identity.doubt is not None and self._parted(identity, identity.doubt):
                del held[row]
                self.identities[row] = identity.doubt.before
                self.identities[row].track = None
                continue
            who[k] = identity.id
        for row, identity in enumerate(self.identities):
            if identity.time != time:
                if identity.doubt is not None and identity.track in tracks:
                    self.identities[row] = identity.doubt.before  # whoever it is, it is not them
                self.identities[row].track = None
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
            who[k] = self._meet(time, names[k], track, boxes[k], appearances[k], touched[k])
        self._first_met = waiting
        self.time = time
        self._forget(time)
        return who

    def _doubtful(
        self, time: float, alike: Floats, moved: Floats, likely: NDArray[np.bool_],
        blind: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:  # fmt: skip
        """Whether (identities, n) somebody taken up again would not surely be who they seem.

        Clothes that agree make sure. So does a motion, for a moment; for a little longer, as long
        as nobody else can be meant. From then on, somebody else may have come instead.
        """
        gaps = np.array([time - i.sure_time for i in self.identities])[:, None]
        alone = (likely.sum(1) <= 1)[:, None]
        expected = alone & (gaps <= _EXPECTED[0]) & (moved <= _EXPECTED[1])
        by_motion = (gaps > _AWAY) & (alike > _AGREES) & ~expected
        return np.asarray(np.where(blind, alike > _SURELY, by_motion))

    def _parted(self, identity: Identity, doubt: Doubt) -> bool:
        """End a doubt that looks can end; whether it was somebody else."""
        if doubt.frames < _LOOKS:
            return False
        far = identity.appearance.agreement(doubt.look)
        if far <= doubt.surely:
            identity.doubt = None
        return far > _RECOVER

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
        for rows in differences(held, better):
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

    def _meet(
        self,
        time: float,
        category: str,
        track: int,
        box: Floats,
        appearance: Appearance,
        touched: bool,
    ) -> int:
        new = Identity(self._next, category, appearance, track, time, box.copy())
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
