"""The people of a sequence: bodies and clothes, where they walk, and who passes whom."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.scenery.bodies import body
from sim.scenery.path import Path
from sim.scenery.scene import Actor, Scene
from sim.sequences.surroundings import colour

Floats = NDArray[np.float64]
Random = np.random.Generator

RATE = 48.0  # 1/s, samples of a choreography


_SHIRTS = ("#b3261e", "#1f4e9c", "#e0b020", "#2f7d4f", "#f1efe8", "#22242a", "#7b3f98", "#d9722b",
           "#3aa6a0", "#d77fa1", "#7d8a93", "#6b4a2f")  # fmt: skip
_TROUSERS = ("#27324a", "#1d1d20", "#b7a98a", "#6c7076", "#4a3b2e", "#e4e0d6", "#3f5136")
_SKIN = ("#ebc2a8", "#cc997a", "#ad7a5c", "#855940", "#5c3d2b")
_HAIR = ("#17120f", "#2b1c12", "#5c381f", "#b88c52", "#737066", "#85331a")
_CLOTHES = ("shirt", "undershirt", "trousers", "shoes")


def looks(random: Random, count: int) -> list[dict[str, Any]]:
    """Bodies and clothes that can be told apart: no shirt and no trousers twice."""
    shirts = random.permutation(_SHIRTS)[:count]
    trousers = random.permutation(_TROUSERS)[:count]
    people: list[dict[str, Any]] = []
    for shirt, legs in zip(shirts, trousers, strict=True):
        kind = str(random.choice(body.NAMES))
        middle = 1.66 if "woman" in kind else 1.78
        people.append(
            {
                "body": kind,
                "height": f"{np.clip(random.normal(middle, 0.06), 1.5, 1.98):.3f} m",
                "outfit": {
                    "skin": str(random.choice(_SKIN)),
                    "hair": str(random.choice(_HAIR)),
                    "shirt": str(shirt),
                    "undershirt": colour(random, 0.3, 0.6, 1.0),
                    "trousers": str(legs),
                    "shoes": colour(random, 0.4, 0.08, 0.8),
                },
            }
        )
    return people


def in_same_clothes(scene: Scene) -> Scene:
    """A scene whose people all wear what the first one does; bodies, skin and hair stay theirs."""
    if not scene.actors:
        return scene
    worn = {name: getattr(scene.actors[0].outfit, name) for name in _CLOTHES}
    actors = tuple(
        a.model_copy(update={"outfit": a.outfit.model_copy(update=worn)}) for a in scene.actors
    )
    return scene.model_copy(update={"actors": actors})


def actor(
    look: dict[str, Any], id: str, way: list[tuple[float, float]], speed: float, start: float,
    loop: bool = False, heading: float = -90.0,
) -> Actor:  # fmt: skip
    """A person of these `looks` on a way of places, m; speed in m/s, start in s, heading in deg."""
    return Actor.model_validate(
        {
            "id": id,
            "waypoints": tuple(way),
            "speed": f"{speed} m/s",
            "start": f"{start} s",
            "loop": loop,
            "heading": f"{heading} deg",
            **look,
        }
    )


def strollers(random: Random, count: int, duration: float) -> list[Actor]:
    """People who stroll over 10 m of ground: some start late, some stop early."""
    actors = []
    for k, look in enumerate(looks(random, count)):
        speed = random.uniform(0.8, 1.7)
        late = random.random() < 0.25
        start = random.uniform(0.5, 3) if late else random.uniform(-3, -1)
        stops = random.random() < 0.3
        needed = speed * duration * random.uniform(0.4, 0.6) if stops else speed * (duration + 5)
        points = [(float(random.uniform(-5, 5)), float(random.uniform(-5, 5)))]
        heading = random.uniform(-math.pi, math.pi)
        walked = 0.0
        while walked < needed:
            x, y = points[-1]
            if math.hypot(x, y) > 6:
                heading = math.atan2(-y, -x) + random.uniform(-0.6, 0.6)
            reach = random.uniform(2.5, 6)
            points.append((x + reach * math.cos(heading), y + reach * math.sin(heading)))
            walked += reach
            heading += random.choice([-1, 1]) * random.uniform(0.3, 2.0)
        actors.append(actor(look, f"p{k}", points, speed, start))
    return actors


def sample_times(duration: float) -> Floats:
    """The times (n,), s, at which a choreography is sampled."""
    return np.arange(math.ceil(duration * RATE) + 1) / RATE


def ways_of(actors: list[Actor], times: Floats) -> Floats:
    """Where the actors are (actors, n, 2), m, as `World` will have them."""
    ways = []
    for actor in actors:
        path = Path.through(actor.waypoints, actor.speed, start=actor.start, loop=actor.loop)
        walked = np.array([path.walked(float(time))[0] for time in times])
        if path.loop:
            walked %= path.length
        ways.append([np.interp(walked, path.arc, column) for column in path.points.T])
    return np.array(ways).transpose(0, 2, 1)


def nearest(ways: Floats) -> float:
    """How near two people come to each other, m."""
    pairs = [(i, j) for i in range(len(ways)) for j in range(i)]
    return min(float(np.linalg.norm(ways[i] - ways[j], axis=1).min()) for i, j in pairs)


def bearings(place: Floats, ways: Floats) -> Floats:
    """(people, n) rad, of people (people, n, 2) from a camera that looks about north."""
    offset = ways - place[:, :2]
    return np.asarray(np.arctan2(offset[..., 0], offset[..., 1]))


def passes(place: Floats, ways: Floats, depth: float) -> int:
    """How often the first passes before the second in the picture, ``depth`` times as near."""
    first, second = bearings(place, ways)
    swaps = np.flatnonzero(np.diff(np.sign(first - second)))
    near, far = np.linalg.norm(ways - place[:, :2], axis=2)
    return int(np.sum((far / near)[swaps] > depth))
