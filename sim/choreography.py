"""Who walks where and how the camera flies, for sequences to measure perception on."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc import camera as cameras
from cinempc import frames
from cinempc.camera import LensState
from cinempc.rig import CameraPose
from sim.bodies import body
from sim.path import Path
from sim.scene import Actor, Building, Scene

Floats = NDArray[np.float64]
Random = np.random.Generator

#: With which all sequences are taken: Super 35, 24-120 mm.
CAMERA = "super35_zoom"

_GRID = 48.0  # 1/s, samples of a choreography
_TRIES = 5000  # draws of a choreography before it is given up


@dataclass(frozen=True)
class Setup:
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


# --- the sequences ---


def walk(seed: int) -> Setup:
    """Two or three people stroll, turn and stop; the camera flies round them (even seeds) or past
    (odd seeds) and zooms, and follows one of them."""
    random = np.random.default_rng([seed, 0x57])
    duration = 15.0
    times = _times(duration)
    count = int(random.integers(2, 4))
    for _ in range(_TRIES):
        actors = _cast(random, count, duration)
        ways = _ways(actors, times)
        if _nearest(ways) < 0.8:
            continue
        hero = int(random.integers(len(actors)))
        flown = _fly(random, ways, hero, actors[hero].height, times, past=seed % 2 == 1)
        if flown is None:
            continue
        place, aim, focal, wander = flown
        return Setup(
            _scene(random, f"walk {seed}", actors, ways, place),
            _flight(times, place, aim, focal, wander, float(random.choice([2.8, 4.0, 5.6]))),
            duration,
            actors[hero].id,
        )
    raise AssertionError(f"no choreography of walk {seed} in {_TRIES} draws")


def crossing(seed: int) -> Setup:
    """Two people on rounds that cross in the picture: each passes before the other."""
    random = np.random.default_rng([seed, 0x58])
    duration = 12.0
    times = _times(duration)
    rough = times[::8]  # enough to see who passes whom
    looks = _looks(random, 2)
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
            _actor(looks[k], f"p{k}", rounds[k], paces[k], random.uniform(-16, -2), loop=True)
            for k in range(2)
        ]
        away = random.uniform(8.3, 9.0)
        still = np.tile([0.0, -away, 1.65], (len(rough), 1))
        seen = _ways(actors, rough)
        before, behind = _passes(still, seen, 1.35), _passes(still, seen[::-1], 1.5)
        aside = np.abs(np.subtract(*_bearings(still, seen))).max() / 2
        if min(before, behind) < 1 or _nearest(seen) < 1.0 or aside > 0.42:
            continue
        ways = _ways(actors, times)
        sway = random.uniform(0.2, 0.6) * _sine(random, times, 8, 14)
        place = np.column_stack(
            [sway, np.full_like(times, -away), 1.65 + 0.2 * _sine(random, times, 6, 12)]
        )
        middle_way = _smooth(ways.mean(axis=0), 0.5)
        aim = np.column_stack([middle_way, np.full_like(times, 0.95)])
        off = _bearings(place, ways) - _bearings(place, middle_way[None])
        focal = np.clip(0.82 * 12.4 / np.tan(np.abs(off).max()), 24, 40) * np.exp(
            -0.06 * (1 + _sine(random, times, 5, 10))
        )
        focal = np.maximum(focal, 24.0)
        wander = 0.02 * np.column_stack([_sine(random, times, 4, 9), _sine(random, times, 4, 9)])
        return Setup(
            _scene(random, f"crossing {seed}", actors, ways, place),
            _flight(times, place, aim, focal, wander, 5.6),
            duration,
            actors[0].id,
        )
    raise AssertionError(f"no choreography of crossing {seed} in {_TRIES} draws")


def wall(seed: int) -> Setup:
    """One person walks past behind a wall, hidden for about 2 s; another stands (even seeds) or
    goes round (odd seeds) further back."""
    random = np.random.default_rng([seed, 0x59])
    duration, hidden = 10.0, 2.0
    times = _times(duration)
    side = random.choice([-1.0, 1.0])
    speed, behind = random.uniform(1.1, 1.5), random.uniform(1.3, 1.8)
    away, broad = random.uniform(9.5, 11.5), 0.80  # m: a walker from the side, arms and stride
    length = (hidden * speed + broad) * (away - 0.25) / (away + behind)
    barrier = Building(
        at=(0.0, 0.0),
        size=(length, 0.5, 2.6),
        colour=_colour(random, 0.4, 0.4, 0.85),
    )
    # At the wall's middle at half time: on the way since 2 s before the start.
    first, last = -side * speed * 6.6, side * speed * 8.5
    way = [(first, behind), (side * speed * 3.5, behind), (last, behind + random.uniform(-0.8, 1))]
    x, y = side * random.uniform(3.2, 4.2), behind + random.uniform(2.2, 3.0)
    stands = seed % 2 == 0
    other = [(x, y)] if stands else [(x - 0.9, y), (x + 1.2, y + 0.3), (x, y + 1.8)]
    looks = _looks(random, 2)
    actors = [
        _actor(looks[0], "p0", way, speed, -2.0),
        _actor(looks[1], "p1", other, 0.0 if stands else 0.9, -2.0, loop=not stands),
    ]
    ways = _ways(actors, times)
    place = np.column_stack(
        [
            random.uniform(0.2, 0.6) * _sine(random, times, 8, 14),
            np.full_like(times, -away),
            1.7 + 0.3 * _sine(random, times, 6, 12),
        ]
    )
    follow = _smooth(0.55 * ways[0], 0.8)
    aim = np.column_stack([follow[:, 0], np.full_like(times, behind), np.full_like(times, 1.0)])
    focal = 27 + 2 * _sine(random, times, 5, 10)
    wander = 0.02 * np.column_stack([_sine(random, times, 4, 9), _sine(random, times, 4, 9)])
    return Setup(
        _scene(random, f"wall {seed}", actors, ways, place, (barrier,)),
        _flight(times, place, aim, focal, wander, 5.6),
        duration,
        actors[0].id,
    )


#: The sequences by name: each makes its setup from a seed.
SEQUENCES: dict[str, Callable[[int], Setup]] = {"walk": walk, "crossing": crossing, "wall": wall}


# --- the people ---

_SHIRTS = ("#b3261e", "#1f4e9c", "#e0b020", "#2f7d4f", "#f1efe8", "#22242a", "#7b3f98", "#d9722b",
           "#3aa6a0", "#d77fa1", "#7d8a93", "#6b4a2f")  # fmt: skip
_TROUSERS = ("#27324a", "#1d1d20", "#b7a98a", "#6c7076", "#4a3b2e", "#e4e0d6", "#3f5136")
_SKIN = ("#ebc2a8", "#cc997a", "#ad7a5c", "#855940", "#5c3d2b")
_HAIR = ("#17120f", "#2b1c12", "#5c381f", "#b88c52", "#737066", "#85331a")


def _looks(random: Random, count: int) -> list[dict[str, Any]]:
    """Bodies and clothes that can be told apart: no shirt and no trousers twice."""
    shirts = random.permutation(_SHIRTS)[:count]
    trousers = random.permutation(_TROUSERS)[:count]
    looks: list[dict[str, Any]] = []
    for shirt, legs in zip(shirts, trousers, strict=True):
        kind = str(random.choice(body.NAMES))
        middle = 1.66 if "woman" in kind else 1.78
        looks.append(
            {
                "body": kind,
                "height": f"{np.clip(random.normal(middle, 0.06), 1.5, 1.98):.3f} m",
                "outfit": {
                    "skin": str(random.choice(_SKIN)),
                    "hair": str(random.choice(_HAIR)),
                    "shirt": str(shirt),
                    "undershirt": _colour(random, 0.3, 0.6, 1.0),
                    "trousers": str(legs),
                    "shoes": _colour(random, 0.4, 0.08, 0.8),
                },
            }
        )
    return looks


def _actor(
    look: dict[str, Any], id: str, way: list[tuple[float, float]], speed: float, start: float,
    loop: bool = False, heading: float = -90.0,
) -> Actor:  # fmt: skip
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


def _cast(random: Random, count: int, duration: float) -> list[Actor]:
    """People who stroll over 10 m of ground: some start late, some stop early."""
    actors = []
    for k, look in enumerate(_looks(random, count)):
        speed = random.uniform(0.8, 1.7)
        late = random.random() < 0.25
        start = random.uniform(0.5, 3) if late else random.uniform(-3, -1)
        stops = random.random() < 0.3
        wanted = speed * duration * random.uniform(0.4, 0.6) if stops else speed * (duration + 5)
        points = [(float(random.uniform(-5, 5)), float(random.uniform(-5, 5)))]
        heading = random.uniform(-math.pi, math.pi)
        walked = 0.0
        while walked < wanted:
            x, y = points[-1]
            if math.hypot(x, y) > 6:
                heading = math.atan2(-y, -x) + random.uniform(-0.6, 0.6)
            reach = random.uniform(2.5, 6)
            points.append((x + reach * math.cos(heading), y + reach * math.sin(heading)))
            walked += reach
            heading += random.choice([-1, 1]) * random.uniform(0.3, 2.0)
        actors.append(_actor(look, f"p{k}", points, speed, start))
    return actors


# --- the flight ---


def _fly(
    random: Random, ways: Floats, hero: int, height: float, times: Floats, past: bool
) -> tuple[Floats, Floats, Floats, Floats] | None:
    """A flight that keeps the distances, speeds and sizes that `walk` promises; None if this draw
    does not.

    Returns:
        The camera's places (n, 3) m, its aim (n, 3) m, focal lengths (n,) mm, and by how much the
        aim lies beside the picture's middle (n, 2), shares of width and height.
    """
    followed = _smooth(ways[hero], 1.0)
    if past:
        angle = random.uniform(0, 2 * math.pi)
        along = np.array([math.cos(angle), math.sin(angle)])
        beside = np.array([-along[1], along[0]]) * random.uniform(6, 14)
        reach = random.uniform(8, 24) * np.sin(math.pi * (times / times[-1] - 0.5))
        ground = followed.mean(axis=0) + beside + reach[:, None] * along
    else:
        low, high = random.uniform(5.5, 9), random.uniform(15, 28)
        swing = 0.5 + 0.5 * _sine(random, times, 12, 22)
        radius = np.exp(math.log(low) + swing * math.log(high / low))
        turn = random.choice([-1, 1]) * random.uniform(0.1, 0.3)
        angles = random.uniform(0, 2 * math.pi) + turn * times
        ground = followed + radius[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    low, high = random.uniform(1.5, 2.2), random.uniform(3, 8)
    up = low + (high - low) * (0.5 + 0.5 * _sine(random, times, 9, 18))
    place = np.column_stack([ground, up])
    speed = np.linalg.norm(np.diff(place, axis=0), axis=1) * _GRID
    offset = np.column_stack([ways[hero] - ground, 0.5 * height - up])
    distance = np.linalg.norm(offset, axis=1)
    others = np.linalg.norm(ways - ground, axis=2)
    if speed.max() > 6 or distance.min() < 5.2 or distance.max() > 29.5 or others.min() < 4:
        return None
    level = np.hypot(offset[:, 0], offset[:, 1]) / distance  # foreshortens a standing body
    if level.min() < 0.7:
        return None
    small, large = random.uniform(0.18, 0.28), random.uniform(0.65, 0.92)
    swing = 0.5 + 0.5 * _sine(random, times, 8, 16)
    share = np.exp(math.log(small) + swing * math.log(large / small))
    focal = np.clip(share * distance * 14.0 / (height * level), 24, 120)
    focal = np.exp(_smooth(np.log(focal)[:, None], 0.5)[:, 0])
    share = focal * height * level / distance / 14.0
    if share.min() < 0.16 or share.max() > 0.97 or focal.max() < 2 * focal.min():
        return None
    aim = np.column_stack([_smooth(ways[hero], 0.3), np.full_like(times, 0.52 * height)])
    loose = 0.02 + 0.16 * (1 - share)
    wander = np.column_stack(
        [
            (0.05 + 0.5 * loose) * (_sine(random, times, 5, 11) + 0.4 * _sine(random, times, 2, 4)),
            loose * _sine(random, times, 5, 11),
        ]
    )
    return place, aim, focal, wander


def _flight(
    times: Floats, place: Floats, aim: Floats, focal: Floats, wander: Floats, f_number: float
) -> Callable[[float], tuple[CameraPose, LensState]]:
    """Pose and lens at any time, s, from samples: the camera looks at ``aim`` and focuses there.

    Args:
        times: (n,) s.
        place: (n, 3) m.
        aim: (n, 3) m.
        focal: (n,) mm.
        wander: (n, 2), by how much the aim lies right of and below the picture's middle, shares
            of the picture.
        f_number: kept.
    """
    sensor = cameras.load(CAMERA).sensor
    off = wander * np.array([sensor.width, sensor.height]) / focal[:, None]
    look = aim - place
    flat = np.hypot(look[:, 0], look[:, 1])
    yaw = np.unwrap(np.arctan2(look[:, 1], look[:, 0])) + np.arctan(off[:, 0])
    pitch = np.arctan2(look[:, 2], flat) + np.arctan(off[:, 1])
    roll = math.radians(0.5) * np.sin(0.7 * times)
    # A lens focuses on a plane: the depth along the axis, not the distance.
    focus = np.linalg.norm(look, axis=1) / np.sqrt(1 + (off**2).sum(axis=1))
    table = np.column_stack([place, yaw, pitch, roll, focal, focus])

    def at(time: float) -> tuple[CameraPose, LensState]:
        x, y, z, yaw, pitch, roll, focal, focus = (
            float(np.interp(time, times, column)) for column in table.T
        )
        pose = CameraPose(np.array([x, y, z]), float(frames.wrap_angle(yaw)), pitch, roll)
        return pose, LensState(focal, focus, f_number)

    return at


def _times(duration: float) -> Floats:
    return np.arange(math.ceil(duration * _GRID) + 1) / _GRID


def _ways(actors: list[Actor], times: Floats) -> Floats:
    """Where the actors are (actors, n, 2), m, as `World` will have them."""
    ways = []
    for actor in actors:
        path = Path.through(actor.waypoints, actor.speed, start=actor.start, loop=actor.loop)
        walked = np.array([path.walked(float(time))[0] for time in times])
        if path.loop:
            walked %= path.length
        ways.append([np.interp(walked, path.arc, column) for column in path.points.T])
    return np.array(ways).transpose(0, 2, 1)


def _nearest(ways: Floats) -> float:
    """How near two people come to each other, m."""
    pairs = [(i, j) for i in range(len(ways)) for j in range(i)]
    return min(float(np.linalg.norm(ways[i] - ways[j], axis=1).min()) for i, j in pairs)


def _bearings(place: Floats, ways: Floats) -> Floats:
    """(people, n) rad, of people (people, n, 2) from a camera that looks about north."""
    offset = ways - place[:, :2]
    return np.asarray(np.arctan2(offset[..., 0], offset[..., 1]))


def _passes(place: Floats, ways: Floats, depth: float) -> int:
    """How often the first passes before the second in the picture, ``depth`` times as near."""
    first, second = _bearings(place, ways)
    swaps = np.flatnonzero(np.diff(np.sign(first - second)))
    near, far = np.linalg.norm(ways - place[:, :2], axis=2)
    return int(np.sum((far / near)[swaps] > depth))


def _sine(random: Random, times: Floats, shortest: float, longest: float) -> Floats:
    """A sine (n,) of a period between these, s, and any phase."""
    period = random.uniform(shortest, longest)
    return np.asarray(np.sin(2 * math.pi * (times / period + random.uniform())))


def _smooth(values: Floats, width: float) -> Floats:
    """Columns (n, k) smoothed by a Gaussian of a standard deviation, s."""
    reach = math.ceil(3 * width * _GRID)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _GRID / width) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="reflect", reflect_type="odd")
    return np.column_stack([np.convolve(column, kernel, mode="valid") for column in padded.T])


# --- the place ---


def _scene(
    random: Random,
    name: str,
    actors: list[Actor],
    ways: Floats,
    place: Floats,
    near: tuple[Building, ...] = (),
) -> Scene:
    """A place round the actors that hides nobody: only ``near`` may."""
    kind = str(random.choice(["paving", "grass", "asphalt"]))
    paths: tuple[Any, ...] = ()
    if kind == "grass" and random.random() < 0.7:
        paths = (tuple((x, float(random.uniform(-8, 8))) for x in (-60.0, -15.0, 15.0, 60.0)),)
    trees: list[dict[str, Any]] = []
    for _ in range(random.integers(5, 16)):
        angle, far = random.uniform(0, 2 * math.pi), random.uniform(9, 60)
        at = (far * math.cos(angle), far * math.sin(angle))
        height = random.uniform(3, 11)
        hue = random.uniform(0.16, 0.34)
        colour = colorsys.hsv_to_rgb(hue, random.uniform(0.35, 0.65), random.uniform(0.3, 0.5))
        if _clear(np.array(at), ways, place) > 1.0 + 0.3 * height:
            trees.append({"at": at, "height": f"{height} m", "colour": colour})
    houses: list[dict[str, Any]] = []
    for angle in np.linspace(0, 2 * math.pi, random.integers(3, 9), endpoint=False):
        turn, far = angle + random.uniform(-0.3, 0.3), random.uniform(75, 115)
        houses.append(
            {
                "at": (far * math.cos(turn), far * math.sin(turn)),
                "size": (random.uniform(12, 40), random.uniform(10, 20), random.uniform(5, 22)),
                "heading": f"{random.uniform(0, 180)} deg",
                "colour": _colour(random, 0.35, 0.5, 0.9),
            }
        )
    return Scene.model_validate(
        {
            "name": name,
            "ground": {"kind": kind, "paths": paths},
            "sky": {
                "clouds": random.uniform(0, 0.9),
                "sun_azimuth": f"{random.uniform(0, 360)} deg",
                "sun_elevation": f"{random.uniform(15, 65)} deg",
                "haze": f"{random.uniform(250, 800)} m",
            },
            "buildings": (*near, *houses),
            "trees": tuple(trees),
            "actors": tuple(actors),
        }
    )


def _clear(point: Floats, ways: Floats, place: Floats) -> float:
    """How far a point (2,) stays from all lines from the camera to a person, m on the ground."""
    start = place[::6, :2]
    line = ways[:, ::6] - start
    share = ((point - start) * line).sum(axis=-1) / (line**2).sum(axis=-1)
    foot = start + np.clip(share, 0, 1)[..., None] * line
    return float(np.linalg.norm(point - foot, axis=-1).min())


def _colour(
    random: Random, saturation: float, darkest: float, lightest: float
) -> tuple[float, float, float]:
    return colorsys.hsv_to_rgb(
        random.uniform(), saturation * random.beta(1.2, 1.5), random.uniform(darkest, lightest)
    )
