"""What stands and walks in the simulator's world, loaded from ``configs/scenes/``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from cinempc import configs
from cinempc.units import Metres, MetresPerSecond, Radians, Seconds
from sim.scenery.bodies import body

Point = tuple[float, float]
RGB = tuple[float, float, float]


def _colour(value: object) -> RGB:
    if isinstance(value, tuple) and len(value) == 3:
        return (float(value[0]), float(value[1]), float(value[2]))
    from matplotlib.colors import to_rgb  # slow to import, and only scenes need it

    try:
        if not isinstance(value, str):
            raise ValueError
        red, green, blue = to_rgb(value.strip())
    except ValueError:
        raise ValueError(
            f"{value!r} is not a colour: write a CSS name or a quoted code, such as '#b03a2e'"
        ) from None
    return float(red), float(green), float(blue)


def _hex(value: RGB) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in value)


#: A colour as a CSS name or "#rrggbb"; red, green, blue in 0..1.
Colour = Annotated[
    RGB, BeforeValidator(_colour), PlainSerializer(_hex, return_type=str, when_used="json")
]


def _finite(points: Any) -> Any:
    for point in points:
        if not all(math.isfinite(x) and abs(x) < 1e4 for x in point):
            raise ValueError(f"{list(point)} is not a place on the ground, in metres")
    return points


class Ground(configs.Config):
    """What one stands on."""

    kind: Literal["paving", "grass", "asphalt"] = "paving"
    paths: tuple[tuple[Point, ...], ...] = Field(
        default=(), description="Lines of [east, north], m, that a gravel path follows."
    )
    path_width: Metres = Field(default=2.5, validate_default=False)


class Sky(configs.Config):
    """Weather and time of day."""

    clouds: float = Field(default=0.35, ge=0, le=1, description="Cloud cover, 0 to 1.")
    sun_azimuth: Radians = Field(
        default=math.radians(215),
        validate_default=False,
        description="Where the sun stands, anticlockwise from east.",
    )
    sun_elevation: Radians = Field(default=math.radians(38), validate_default=False)
    haze: Metres = Field(
        default=450.0,
        validate_default=False,
        description="Distance at which 8 % of the contrast is left.",
    )

    @model_validator(mode="after")
    def _day(self) -> Sky:
        if not math.radians(5) <= self.sun_elevation <= math.radians(85):
            raise ValueError(
                f"sun_elevation must lie between 5 deg and 85 deg, "
                f"it is {math.degrees(self.sun_elevation):g} deg"
            )
        if not self.haze > 50:
            raise ValueError(f"haze must be beyond 50 m, it is {self.haze:g} m")
        return self


class Building(configs.Config):
    """A block of ``size`` [length, depth, height], m, its middle over ``at`` [east, north], m."""

    at: Point
    size: tuple[float, float, float]
    heading: Radians = Field(default=0.0, validate_default=False)
    colour: Colour = (0.72, 0.66, 0.58)
    roof: Colour = (0.42, 0.36, 0.34)

    @model_validator(mode="after")
    def _solid(self) -> Building:
        if not all(0.5 <= side <= 300 for side in self.size):
            raise ValueError(f"size must be three lengths of 0.5 to 300 m, it is {self.size}")
        return self


class Tree(configs.Config):
    """A broad-leaved tree at [east, north], m."""

    at: Point
    height: Metres = Field(default=7.0, validate_default=False)
    colour: Colour = (0.30, 0.42, 0.16)

    @model_validator(mode="after")
    def _grown(self) -> Tree:
        if not 1 <= self.height <= 40:
            raise ValueError(f"height must be 1 to 40 m, it is {self.height:g} m")
        return self


class Outfit(configs.Config):
    """An actor's colours."""

    skin: Colour = (0.80, 0.60, 0.48)
    hair: Colour = (0.17, 0.11, 0.07)
    shirt: Colour = (0.65, 0.16, 0.14)
    undershirt: Colour = (0.82, 0.82, 0.79)
    trousers: Colour = (0.16, 0.20, 0.33)
    shoes: Colour = (0.20, 0.15, 0.11)

    def colours(self) -> dict[str, Colour]:
        """Of all parts of a body's texture, by the names in `sim.scenery.bodies.labels`."""
        red, green, blue = self.skin
        return {
            "skin": self.skin,
            "lips": (0.82 * red, 0.66 * green, 0.68 * blue),
            "eye": (0.86, 0.85, 0.83),
            "iris": (0.24, 0.17, 0.11),
            "pupil": (0.02, 0.02, 0.02),
            "hair": self.hair,
            "shirt": self.shirt,
            "undershirt": self.undershirt,
            "trousers": self.trousers,
            "shoes": self.shoes,
            "sole": (0.12, 0.11, 0.10),
        }


class Actor(configs.Config):
    """A person. One waypoint and a heading: stands; more: walks along them at ``speed``."""

    id: str = Field(min_length=1)
    body: str = "man"
    outfit: Outfit = Outfit()
    height: Metres = Field(default=1.75, validate_default=False)
    waypoints: tuple[Point, ...] = Field(min_length=1, description="[east, north], m.")
    heading: Radians = Field(default=0.0, validate_default=False)
    speed: MetresPerSecond = Field(default=0.0, validate_default=False)
    start: Seconds = Field(default=0.0, validate_default=False)
    loop: bool = False

    @model_validator(mode="after")
    def _person(self) -> Actor:
        _finite(self.waypoints)
        if self.body not in body.NAMES:
            hint = configs.suggest(self.body, body.NAMES)
            raise ValueError(
                f"no body called {self.body!r}{hint} (there are {', '.join(body.NAMES)})"
            )
        if not 0.8 <= self.height <= 2.3:
            raise ValueError(f"height must be 0.8 to 2.3 m, it is {self.height:g} m")
        if not 0 <= self.speed <= 2.2:
            raise ValueError(f"speed must be a walk, 0 to 2.2 m/s, it is {self.speed:g} m/s")
        walks = len(self.waypoints) > 1
        if walks != (self.speed > 0):
            raise ValueError(
                "a walk needs two waypoints or more and a speed; one who stands has one waypoint "
                "and no speed"
            )
        if any(math.dist(a, b) < 0.2 for a, b in zip(self.waypoints, self.waypoints[1:])):  # noqa: B905
            raise ValueError("waypoints next to each other must be at least 0.2 m apart")
        if self.loop and len(self.waypoints) < 3:
            raise ValueError("a loop needs three waypoints or more")
        return self


class Wind(configs.Config):
    """A steady wind with Ornstein-Uhlenbeck gusts."""

    speed: MetresPerSecond = Field(default=0.0, validate_default=False)
    direction: Radians = Field(
        default=0.0,
        validate_default=False,
        description="Where it blows to, anticlockwise from east.",
    )
    gusts: MetresPerSecond = Field(
        default=0.0, validate_default=False, description="Standard deviation of each component."
    )
    gust_time: Seconds = Field(
        default=2.0, validate_default=False, description="Time constant of a gust."
    )

    @model_validator(mode="after")
    def _weather(self) -> Wind:
        if self.speed < 0 or self.gusts < 0:
            raise ValueError("speed and gusts cannot be below zero")
        if not self.gust_time > 0:
            raise ValueError(f"gust_time must be above zero, it is {self.gust_time:g} s")
        return self


class Scene(configs.Config):
    """A place with people in it; see ``docs/scenes.md``. World frame ENU, m."""

    name: str
    ground: Ground = Ground()
    sky: Sky = Sky()
    buildings: tuple[Building, ...] = ()
    trees: tuple[Tree, ...] = ()
    actors: tuple[Actor, ...] = ()
    wind: Wind = Wind()

    @model_validator(mode="after")
    def _named(self) -> Scene:
        ids = [actor.id for actor in self.actors]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"actors need ids of their own; used twice: {', '.join(twice)}")
        return self


def load(name: str, near: Path | None = None) -> Scene:
    """A scene by its short name in ``configs/scenes/`` or by path.

    Raises:
        ConfigError: no such scene, or a mistake in its file.
    """
    return configs.load(configs.find("scenes", name, near), Scene)
