"""One identity: somebody the camera has met, what they wear and how they moved."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from perception.identify.appearance import Appearance

Floats = NDArray[np.float64]


@dataclass
class Doubt:
    """Somebody who may or may not be the one they are taken for.

    Attributes:
        before: the identity as it was when it was last sure.
        look: running mean of how they look since.
        surely: agreement of the looks, as a distance, from which it is them.
        frames: in how many pictures they were seen clearly since.
    """

    before: Identity
    look: Appearance
    surely: float
    frames: int = 0


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
        doubt: while whoever holds its track is not surely them.
    """

    id: int
    category: str
    appearance: Appearance
    track: int | None
    time: float
    box: Floats
    frames: int = 1
    doubt: Doubt | None = None
    velocity: Floats = field(default_factory=lambda: np.zeros(2))  # of the box's centre, px/s
    touched: float = -np.inf  # when last overlapped
    # The last box that was surely theirs: before an overlap until well after it.
    clear_time: float = 0.0
    clear_box: Floats = field(default_factory=lambda: np.zeros(4))
    clear_velocity: Floats = field(default_factory=lambda: np.zeros(2))

    @property
    def unsure(self) -> bool:
        """Whether it may be somebody else who is taken for it now."""
        return self.doubt is not None

    @property
    def sure_time(self) -> float:
        """When last seen for sure, s."""
        return self.time if self.doubt is None else self.doubt.before.time

    def see(
        self, time: float, track: int, box: Floats, appearance: Appearance,
        touched: bool, hidden: bool, settle: float,
    ) -> None:  # fmt: skip
        """Take in where somebody is, and how they look and move as far as it is surely them."""
        gap = time - self.time
        if self.doubt is not None:
            if not (hidden or touched):
                self.doubt.frames += 1
                self.doubt.look = self.doubt.look.blend(appearance, max(1 / self.doubt.frames, 0.1))
        elif not hidden:
            # Another look is more likely other light or a wrong track than other clothes.
            near = self.appearance.distance(appearance) < 0.5
            rate = max(2 * min(gap, 0.1), 1 / (self.frames + 1)) if near else 0.2 * min(gap, 0.05)
            self.appearance = self.appearance.blend(appearance, rate)
        if touched:
            self.touched = time
        elif 0 < gap < 0.3 and self.track == track:
            shift = (box[:2] + box[2:] - self.box[:2] - self.box[2:]) / 2
            self.velocity = self.velocity + min(5 * gap, 1.0) * (shift / gap - self.velocity)
        self.track, self.time, self.box, self.frames = track, time, box.copy(), self.frames + 1
        if time - self.touched > settle or time - self.clear_time > 3:
            self.clear_time, self.clear_box, self.clear_velocity = time, self.box, self.velocity
