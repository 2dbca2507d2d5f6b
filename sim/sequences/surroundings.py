"""What stands round the people of a sequence: ground, sky, trees and houses that hide nobody."""

from __future__ import annotations

import colorsys
import math
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from sim.scenery.scene import Actor, Building, Scene

Floats = NDArray[np.float64]
Random = np.random.Generator


def scene_around(
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
        leaves = colorsys.hsv_to_rgb(hue, random.uniform(0.35, 0.65), random.uniform(0.3, 0.5))
        if _clear(np.array(at), ways, place) > 1.0 + 0.3 * height:
            trees.append({"at": at, "height": f"{height} m", "colour": leaves})
    houses: list[dict[str, Any]] = []
    for angle in np.linspace(0, 2 * math.pi, random.integers(3, 9), endpoint=False):
        turn, far = angle + random.uniform(-0.3, 0.3), random.uniform(75, 115)
        houses.append(
            {
                "at": (far * math.cos(turn), far * math.sin(turn)),
                "size": (random.uniform(12, 40), random.uniform(10, 20), random.uniform(5, 22)),
                "heading": f"{random.uniform(0, 180)} deg",
                "colour": colour(random, 0.35, 0.5, 0.9),
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
    ends = np.broadcast_arrays(place[::6, :2], ways[:, ::6])
    lines = shapely.linestrings(np.stack(ends, axis=-2))
    return float(shapely.distance(shapely.Point(point), lines).min())


def colour(
    random: Random, saturation: float, darkest: float, lightest: float
) -> tuple[float, float, float]:
    """A colour of any hue, at most so saturated, of a value between these."""
    return colorsys.hsv_to_rgb(
        random.uniform(), saturation * random.beta(1.2, 1.5), random.uniform(darkest, lightest)
    )
