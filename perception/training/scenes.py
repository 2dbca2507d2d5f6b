"""Scenes and pictures drawn at random, so that a detector learns people and not one place."""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.rig.camera import LensState
from cinempc.rig.state import CameraPose, Frame
from sim.scenery.bodies import body
from sim.scenery.scene import Actor, Building, Ground, Outfit, Point, Scene, Sky, Tree
from sim.scenery.world import World
from sim.sensors import labels
from sim.sensors.camera import blur_px, defocus

Random = np.random.Generator
RGB = tuple[float, float, float]

#: Width of the full sensor, mm (Super 35): focal lengths mean the same as in the shipped cameras.
SENSOR = 24.89
#: px across the full sensor at the scale at which the detector works.
ACROSS = 512

_SKIN = ((0.92, 0.76, 0.66), (0.80, 0.60, 0.48), (0.68, 0.48, 0.36), (0.52, 0.35, 0.25),
         (0.36, 0.24, 0.17))  # fmt: skip
_HAIR = ((0.09, 0.07, 0.06), (0.17, 0.11, 0.07), (0.36, 0.22, 0.12), (0.72, 0.55, 0.32),
         (0.45, 0.44, 0.43), (0.52, 0.20, 0.09))  # fmt: skip


@dataclass(frozen=True)
class LabelledImage:
    """A picture (h, w, 3) RGB uint8 and the people in it."""

    image: NDArray[np.uint8]
    people: list[labels.Label]


def scene(random: Random, name: str = "drawn") -> Scene:
    """A place with 0 to 9 people, trees, walls and houses."""
    crowd = random.choice([0, 1, 2, 3, 4, 6, 9], p=[0.04, 0.12, 0.22, 0.22, 0.18, 0.14, 0.08])
    kind = random.choice(["paving", "grass", "asphalt"])
    paths: tuple[tuple[Point, ...], ...] = ()
    if kind == "grass" and random.random() < 0.6:
        paths = (tuple((float(x), float(random.uniform(-8, 8))) for x in (-40, -10, 15, 40)),)
    houses = [
        Building.model_validate(
            {
                "at": _around(random, angle + random.uniform(-0.3, 0.3), random.uniform(38, 75)),
                "size": (random.uniform(12, 50), random.uniform(10, 20), random.uniform(5, 22)),
                "heading": f"{random.uniform(0, 180)} deg",
                "colour": colour(random, 0.35, 0.5, 0.9),
            }
        )
        for angle in np.linspace(0, 2 * math.pi, random.integers(1, 9), endpoint=False)
    ]
    walls = [
        Building.model_validate(
            {
                "at": _around(random, random.uniform(0, 2 * math.pi), random.uniform(2, 14)),
                "size": (random.uniform(1, 5), 0.5, random.uniform(0.7, 2.6)),
                "heading": f"{random.uniform(0, 180)} deg",
                "colour": colour(random, 0.5, 0.3, 0.9),
            }
        )
        for _ in range(random.integers(0, 4))
    ]
    trees = [
        Tree.model_validate(
            {
                "at": _around(random, random.uniform(0, 2 * math.pi), random.uniform(6, 45)),
                "height": f"{random.uniform(3, 11)} m",
                "colour": colour(random, 0.6, 0.2, 0.5, hue=(0.13, 0.36)),
            }
        )
        for _ in range(random.integers(0, 10))
    ]
    return Scene(
        name=name,
        ground=Ground(kind=kind, paths=paths),
        sky=Sky.model_validate(
            {
                "clouds": random.uniform(0, 1),
                "sun_azimuth": f"{random.uniform(0, 360)} deg",
                "sun_elevation": f"{random.uniform(8, 75)} deg",
                "haze": f"{random.uniform(150, 900)} m",
            }
        ),
        buildings=tuple(houses + walls),
        trees=tuple(trees),
        actors=tuple(actor(random, k) for k in range(crowd)),
    )


def photograph(world: World, random: Random, *, square: bool = True) -> LabelledImage:
    """A picture of a world from somewhere, with the flaws that real ones have.

    Args:
        world: of `scene`.
        random: draws camera, lens, focus, light and noise.
        square: 320 x 320 px, a part of the sensor, for training; otherwise the whole sensor as
            the shipped cameras take it, 960 x 540 px.
    """
    wide, high = (320, 320) if square else (512, 288)
    scale = random.uniform(1.3, 1.6) if square else 960 / ACROSS
    size = (round(wide * scale), round(high * scale))
    sensor = (SENSOR * wide / ACROSS, SENSOR * high / ACROSS)
    frame = _place(world, random, sensor, size)
    rotation = frames.camera_rotation(frame.pose.yaw, frame.pose.pitch, frame.pose.roll)
    rgb, depth = world.render(
        frame.time, frame.pose.position, rotation, frame.lens.focal_length_mm, sensor, size
    )
    people = labels.label(world, replace(frame, image=rgb, depth=depth))
    gain = 2.0 ** random.normal(0, 0.35)
    image = defocus(rgb, blur_px(depth, frame.lens, sensor[0]), gain=gain)
    if random.random() < 0.4:
        image = _move(image, random)
    if square:
        smaller = cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA)
        image = np.asarray(smaller, np.uint8)
        people = [_scaled(person, wide / size[0]) for person in people]
    return LabelledImage(_develop(image, random), people)


# --- what the scene holds ---


def actor(random: Random, number: int) -> Actor:
    """A person of any body and clothes, who stands or walks somewhere."""
    kind = str(random.choice(body.NAMES))
    place = random.uniform(-9, 9, 2)
    walks = random.random() < 0.75
    points = [(float(place[0]), float(place[1]))]
    if walks:
        heading = random.uniform(0, 2 * math.pi)
        for _ in range(random.integers(1, 5)):
            heading += random.normal(0, 0.9)
            reach = random.uniform(3, 9)
            x, y = points[-1]
            points.append((x + reach * math.cos(heading), y + reach * math.sin(heading)))
    dark = random.random() < 0.4
    tall = np.clip(random.normal(1.66 if "woman" in kind else 1.78, 0.075), 1.4, 2.05)
    outfit = Outfit(
        skin=_near(random, _SKIN, 0.04),
        hair=_near(random, _HAIR, 0.03),
        shirt=colour(random, 0.9, 0.08, 1.0),
        undershirt=colour(random, 0.4, 0.5, 1.0),
        trousers=colour(random, 0.5, 0.06, 0.35 if dark else 0.95),
        shoes=colour(random, 0.5, 0.05, 0.9),
    )
    return Actor.model_validate(
        {
            "id": f"p{number}",
            "body": kind,
            "height": f"{tall} m",
            "outfit": outfit,
            "waypoints": tuple(points),
            "heading": f"{random.uniform(0, 360)} deg",
            "speed": f"{random.uniform(0.7, 1.9) if walks else 0} m/s",
            "start": f"{random.uniform(-6, 3)} s",
        }
    )


def _around(random: Random, angle: float, radius: float) -> tuple[float, float]:
    return radius * math.cos(angle), radius * math.sin(angle)


def _near(random: Random, palette: tuple[RGB, ...], spread: float) -> RGB:
    red, green, blue = np.clip(
        np.array(palette[random.integers(len(palette))]) + random.normal(0, spread, 3), 0.02, 1
    )
    return float(red), float(green), float(blue)


def colour(
    random: Random, saturation: float, darkest: float, lightest: float,
    hue: tuple[float, float] = (0.0, 1.0),
) -> RGB:  # fmt: skip
    """A colour of these hues, at most so saturated, of a value between these."""
    return colorsys.hsv_to_rgb(
        random.uniform(*hue), saturation * random.beta(1.2, 1.5), random.uniform(darkest, lightest)
    )


# --- where the picture is taken from ---


def _place(
    world: World, random: Random, sensor: tuple[float, float], size: tuple[int, int]
) -> Frame:
    """A frame without a picture yet: time, camera and lens."""
    time = random.uniform(0, 20)
    people = world.subjects(time)
    if people and random.random() < 0.93:
        aim = people[random.integers(len(people))].point(random.uniform(0.2, 0.95))
    else:
        aim = np.array([*random.uniform(-15, 15, 2), random.uniform(0, 4)])
    distance = math.exp(random.uniform(math.log(2.5), math.log(32)))
    # A body of 6 % of the full picture's height up to three times as high as the picture.
    low, high = (math.log(s * distance / 1.75 * 14.0) for s in (0.07, 3.0))
    low, high = max(low, math.log(15)), min(high, math.log(150))
    focal = math.exp(random.uniform(low, high)) if high > low else 15.0
    azimuth = random.uniform(0, 2 * math.pi)
    elevation = random.choice([random.normal(0, 0.04), random.uniform(0, 0.9)], p=[0.6, 0.4])
    away = np.array(
        [
            math.cos(azimuth) * math.cos(elevation),
            math.sin(azimuth) * math.cos(elevation),
            math.sin(elevation),
        ]
    )
    position = aim + distance * away
    position[2] = max(position[2], 0.4)
    look = aim - position
    # The person anywhere in the picture, sometimes cut by its edge.
    off = random.uniform(-0.48, 0.48, 2) * sensor / np.array(focal)
    yaw = math.atan2(look[1], look[0]) + off[0]
    pitch = math.atan2(look[2], math.hypot(look[0], look[1])) + off[1]
    focus = distance * math.exp(random.normal(0, 0.05 if random.random() < 0.8 else 0.5))
    return Frame(
        time=time,
        image=np.zeros((size[1], size[0], 3), np.uint8),
        pose=CameraPose(position, yaw, pitch, random.normal(0, 0.03)),
        lens=LensState(focal, focus, float(random.choice([2.0, 2.8, 4.0, 5.6, 8.0, 16.0]))),
        sensor_mm=sensor,
    )


# --- what happens to the light ---


def _move(image: NDArray[np.uint8], random: Random) -> NDArray[np.uint8]:
    """Motion blur along a line: the camera turned while the shutter was open."""
    length, angle = min(random.exponential(4.0), 16.0), random.uniform(0, math.pi)
    half = math.ceil(length / 2) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    for t in np.linspace(-length / 2, length / 2, 33):
        x, y = half + t * math.cos(angle), half + t * math.sin(angle)
        column, row = math.floor(x), math.floor(y)
        for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
            share = (1 - abs(x - column - i)) * (1 - abs(y - row - j))
            kernel[row + j, column + i] += share
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()))


def _develop(image: NDArray[np.uint8], random: Random) -> NDArray[np.uint8]:
    """White balance, contrast, grain and compression."""
    light = image.astype(np.float32) * random.uniform(0.88, 1.12, 3).astype(np.float32)
    light = 128 + (light - 128) * np.float32(random.uniform(0.75, 1.2))
    light += random.normal(0, random.uniform(0.3, 5), light.shape).astype(np.float32)
    image = np.clip(light, 0, 255).astype(np.uint8)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(60, 96))]
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR))


def _scaled(person: labels.Label, factor: float) -> labels.Label:
    points = person.keypoints * [factor, factor, 1]
    return replace(person, box=person.box * factor, whole=person.whole * factor, keypoints=points)
