"""Who walks where and how the camera flies, for sequences to measure perception on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cinempc.rig.camera import LensState
from cinempc.rig.state import CameraPose
from sim.scenery.scene import Building, Scene
from sim.sequences.camera_flight import draw_flight, flight, sine, smooth
from sim.sequences.surroundings import colour, scene_around
from sim.sequences.walkers import (
    actor,
    bearings,
    looks,
    nearest,
    passes,
    sample_times,
    strollers,
    ways_of,
)

_TRIES = 5000  # draws of a choreography before it is given up


@dataclass(frozen=True)
class Choreography:
    """A scene and how it is filmed.

    Attributes:
        scene: what there is.
        camera: the true pose and lens at a time, s.
        duration: s.
        subject: id of whom the camera follows.
    """

    scene: Scene
    camera: Callable[[float], tuple[CameraPose, LensState]]
    duration: float
    subject: str


def walk(seed: int) -> Choreography:
    """Two or three people stroll, turn and stop; the camera flies round them (even seeds) or past
    (odd seeds) and zooms, and follows one of them."""
    random = np.random.default_rng([seed, 0x57])
    duration = 15.0
    times = sample_times(duration)
    count = int(random.integers(2, 4))
    for _ in range(_TRIES):
        actors = strollers(random, count, duration)
        ways = ways_of(actors, times)
        if nearest(ways) < 0.8:
            continue
        hero = int(random.integers(len(actors)))
        flown = draw_flight(random, ways, hero, actors[hero].height, times, past=seed % 2 == 1)
        if flown is None:
            continue
        place, aim, focal, wander = flown
        return Choreography(
            scene_around(random, f"walk {seed}", actors, ways, place),
            flight(times, place, aim, focal, wander, float(random.choice([2.8, 4.0, 5.6]))),
            duration,
            actors[hero].id,
        )
    raise AssertionError(f"no choreography of walk {seed} in {_TRIES} draws")


def crossing(seed: int) -> Choreography:
    """Two people on rounds that cross in the picture: each passes before the other."""
    random = np.random.default_rng([seed, 0x58])
    duration = 12.0
    times = sample_times(duration)
    rough = times[::8]  # enough to see who passes whom
    dressed = looks(random, 2)
    for _ in range(_TRIES):
        rounds = []
        # A small round within a large one: the second passes before the first and behind it.
        for wide, deep in (
            (random.uniform(1.1, 1.5), random.uniform(0.4, 0.7)),
            (random.uniform(2.3, 2.7), random.uniform(3.2, 3.7)),
        ):
            x, y = random.uniform(-0.2, 0.2, 2)
            corners = [(x - wide, y - deep), (x + wide, y - deep), (x + wide, y + deep),
                       (x - wide, y + deep)]  # fmt: skip
            rounds.append(corners if random.random() < 0.5 else corners[::-1])
        paces = random.uniform(0.8, 1.2), random.uniform(1.2, 1.7)
        actors = [
            actor(dressed[k], f"p{k}", rounds[k], paces[k], random.uniform(-16, -2), loop=True)
            for k in range(2)
        ]
        away = random.uniform(8.3, 9.0)
        still = np.tile([0.0, -away, 1.65], (len(rough), 1))
        seen = ways_of(actors, rough)
        before, behind = passes(still, seen, 1.35), passes(still, seen[::-1], 1.5)
        aside = np.abs(np.subtract(*bearings(still, seen))).max() / 2
        if min(before, behind) < 1 or nearest(seen) < 1.0 or aside > 0.42:
            continue
        ways = ways_of(actors, times)
        sway = random.uniform(0.2, 0.6) * sine(random, times, 8, 14)
        place = np.column_stack(
            [sway, np.full_like(times, -away), 1.65 + 0.2 * sine(random, times, 6, 12)]
        )
        middle_way = smooth(ways.mean(axis=0), 0.5)
        aim = np.column_stack([middle_way, np.full_like(times, 0.95)])
        off = bearings(place, ways) - bearings(place, middle_way[None])
        focal = np.clip(0.82 * 12.4 / np.tan(np.abs(off).max()), 24, 40) * np.exp(
            -0.06 * (1 + sine(random, times, 5, 10))
        )
        focal = np.maximum(focal, 24.0)
        wander = 0.02 * np.column_stack([sine(random, times, 4, 9), sine(random, times, 4, 9)])
        return Choreography(
            scene_around(random, f"crossing {seed}", actors, ways, place),
            flight(times, place, aim, focal, wander, 5.6),
            duration,
            actors[0].id,
        )
    raise AssertionError(f"no choreography of crossing {seed} in {_TRIES} draws")


def wall(seed: int) -> Choreography:
    """One person walks past behind a wall, hidden for about 2 s; another stands (even seeds) or
    goes round (odd seeds) further back."""
    random = np.random.default_rng([seed, 0x59])
    duration, hidden = 10.0, 2.0
    times = sample_times(duration)
    side = random.choice([-1.0, 1.0])
    speed, behind = random.uniform(1.1, 1.5), random.uniform(1.3, 1.8)
    away, broad = random.uniform(9.5, 11.5), 0.80  # m: a walker from the side, arms and stride
    length = (hidden * speed + broad) * (away - 0.25) / (away + behind)
    barrier = Building(
        at=(0.0, 0.0),
        size=(length, 0.5, 2.6),
        colour=colour(random, 0.4, 0.4, 0.85),
    )
    # At the wall's middle at half time: on the way since 2 s before the start.
    first, last = -side * speed * 6.6, side * speed * 8.5
    way = [(first, behind), (side * speed * 3.5, behind), (last, behind + random.uniform(-0.8, 1))]
    x, y = side * random.uniform(3.2, 4.2), behind + random.uniform(2.2, 3.0)
    stands = seed % 2 == 0
    other = [(x, y)] if stands else [(x - 0.9, y), (x + 1.2, y + 0.3), (x, y + 1.8)]
    dressed = looks(random, 2)
    actors = [
        actor(dressed[0], "p0", way, speed, -2.0),
        actor(dressed[1], "p1", other, 0.0 if stands else 0.9, -2.0, loop=not stands),
    ]
    ways = ways_of(actors, times)
    place = np.column_stack(
        [
            random.uniform(0.2, 0.6) * sine(random, times, 8, 14),
            np.full_like(times, -away),
            1.7 + 0.3 * sine(random, times, 6, 12),
        ]
    )
    follow = smooth(0.55 * ways[0], 0.8)
    aim = np.column_stack([follow[:, 0], np.full_like(times, behind), np.full_like(times, 1.0)])
    focal = 27 + 2 * sine(random, times, 5, 10)
    wander = 0.02 * np.column_stack([sine(random, times, 4, 9), sine(random, times, 4, 9)])
    return Choreography(
        scene_around(random, f"wall {seed}", actors, ways, place, (barrier,)),
        flight(times, place, aim, focal, wander, 5.6),
        duration,
        actors[0].id,
    )


#: The sequences by name: each is made from a seed.
SEQUENCES: dict[str, Callable[[int], Choreography]] = {
    "walk": walk,
    "crossing": crossing,
    "wall": wall,
}
