"""Pictures of single people, many of each, to learn from what they look like.

In each scene eight people walk about; two and two of them wear the same, and many wear no colour to
speak of. They are seen from all sides, sharp and out of focus; light and noise are for the training
to vary. The seed of a scene is its number: the same pictures every time.
"""

from __future__ import annotations

import math
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.rig.camera import LensState
from cinempc.rig.state import CameraPose, Frame
from perception.training import scenes
from sim.scenery.quality import Quality
from sim.scenery.scene import Actor, Scene
from sim.scenery.world import World
from sim.sensors import labels
from sim.sensors.camera import blur_px, defocus

Random = np.random.Generator
Progress = Callable[[str, int, int], None]

#: Width and height of a crop, px, and by how much it is wider and higher than the person's box.
CROP, MARGIN = (96, 168), (1.3, 1.2)
_PEOPLE = 8
_SIZE, _SENSOR = (960, 540), (24.89, 14.0)  # px and mm, of the pictures they are cut from
_CLOTHES = ("shirt", "undershirt", "trousers", "shoes")


@dataclass(frozen=True)
class Crops:
    """Pictures of the people of one scene.

    Attributes:
        images: (n, 168, 96, 3) RGB.
        who: (n,) numbers of the people.
    """

    images: NDArray[np.uint8]
    who: NDArray[np.int64]


def make(
    folder: Path,
    count: int,
    pictures: int = 16,
    progress: Progress = lambda what, done, total: None,
    workers: int | None = None,
) -> list[Crops]:
    """The crops of scenes 0, 1, …; what is in the folder already is kept.

    Args:
        folder: where they are kept, a file each.
        count: of the scenes.
        pictures: of each scene.
        progress: what is being made, scenes done and in all.
        workers: processes; one for each core if not given.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{number:04d}.npz" for number in range(count)]
    todo = [k for k, file in enumerate(files) if not file.is_file()]
    progress("rendering", count - len(todo), count)
    # Spawned: torch's compiler crashes in a process that has rendered, and a forked OpenGL context
    # is of no use to the child.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers or os.cpu_count(), mp_context=context) as pool:
        running = [pool.submit(_photograph, files[k], k, pictures) for k in todo]
        try:
            for done, job in enumerate(as_completed(running), count - len(todo) + 1):
                job.result()
                progress("rendering", done, count)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [_load(file) for file in files]


def _load(file: Path) -> Crops:
    with np.load(file) as data:
        return Crops(data["crops"], data["who"].astype(np.int64))


def _photograph(file: Path, number: int, pictures: int) -> None:
    """All pictures of one scene, cut."""
    cv2.setNumThreads(1)
    random = np.random.default_rng([777, number])
    world = World(_scene(random), number, Quality.STANDARD)
    images, who = [], []
    try:
        for _ in range(pictures):
            frame = _place(world, random)
            turn = frames.camera_rotation(frame.pose.yaw, frame.pose.pitch, frame.pose.roll)
            rgb, depth = world.render(
                frame.time, frame.pose.position, turn, frame.lens.focal_length_mm, _SENSOR, _SIZE
            )
            people = labels.label(world, replace(frame, image=rgb, depth=depth))
            image = defocus(rgb, blur_px(depth, frame.lens, _SENSOR[0]))
            for person in people:
                tall = person.box[3] - person.box[1]
                if person.shown >= 0.6 and person.inside >= 0.85 and tall >= 50:
                    images.append(cut(image, person.box))
                    who.append(int(person.id[1:]))
    finally:
        world.close()
    crops = np.array(images, np.uint8).reshape(-1, *CROP[::-1], 3)
    part = file.with_suffix(".part")
    with part.open("wb") as out:
        np.savez_compressed(out, crops=crops, who=np.array(who, np.int64))
    os.replace(part, file)


def cut(image: NDArray[np.uint8], box: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A crop (168, 96, 3) about a box, left, top, right, bottom px, with its margin."""
    height, width = image.shape[:2]
    middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * MARGIN
    low, high = middle - half, middle + half
    left, top = (int(v) for v in np.maximum(low, 0))
    right, bottom = (int(v) for v in np.minimum(high, [width, height]))
    beyond = [-low[1], high[1] - height, -low[0], high[0] - width]
    above, below, before, after = (max(0, int(v)) for v in beyond)
    part = cv2.copyMakeBorder(
        image[top:bottom, left:right], above, below, before, after, cv2.BORDER_REPLICATE
    )
    return np.asarray(cv2.resize(part, CROP, interpolation=cv2.INTER_AREA), np.uint8)


def _scene(random: Random) -> Scene:
    """Eight people where nothing else hides them."""
    people: list[Actor] = []
    for k in range(_PEOPLE):
        people.append(_actor(random, k, people[k - 1] if k in (1, 3) else None))
    drawn = scenes.scene(random)
    return drawn.model_copy(
        update={
            "actors": tuple(people),
            "buildings": tuple(b for b in drawn.buildings if max(b.size) > 10),
            "trees": tuple(t for t in drawn.trees if math.hypot(*t.at) > 17),
        }
    )


def _actor(random: Random, number: int, dressed_as: Actor | None) -> Actor:
    drawn = scenes.actor(random, number)
    outfit = drawn.outfit.model_dump()
    if dressed_as is None:
        if random.random() < 0.35:
            outfit["shirt"] = scenes.colour(random, 0.12, 0.05, 0.95)
        if random.random() < 0.35:
            outfit["trousers"] = scenes.colour(random, 0.12, 0.05, 0.8)
    else:
        outfit |= {name: getattr(dressed_as.outfit, name) for name in _CLOTHES}
    x, y = random.uniform(-5, 5), random.uniform(-4, 4)
    heading = random.uniform(0, 2 * math.pi)
    points = [(x, y)]
    walks = random.random() < 0.8
    for _ in range(6 if walks else 0):
        heading += random.normal(0, 1.0)
        reach = random.uniform(2, 4)
        x, y = points[-1]
        if math.hypot(x, y) > 5:
            heading = math.atan2(-y, -x) + random.uniform(-0.5, 0.5)
        points.append((x + reach * math.cos(heading), y + reach * math.sin(heading)))
    return Actor.model_validate(
        {
            "id": f"p{number}",
            "body": drawn.body,
            "height": f"{drawn.height} m",
            "outfit": {name: tuple(value) for name, value in outfit.items()},
            "waypoints": tuple(points),
            "heading": f"{random.uniform(0, 360)} deg",
            "speed": f"{random.uniform(0.7, 1.6) if walks else 0} m/s",
            "start": f"{random.uniform(-3, 1)} s",
        }
    )


def _place(world: World, random: Random) -> Frame:
    """A frame without a picture yet: all the people from somewhere, some before others."""
    time = random.uniform(0, 14)
    middle = np.mean([person.point(0.5) for person in world.subjects(time)], axis=0)
    aim = middle + random.normal(0, 0.7, 3) * [1, 1, 0.1]
    distance, azimuth = random.uniform(8, 15), random.uniform(0, 2 * math.pi)
    elevation = abs(random.normal(0.06, 0.15))
    flat = math.cos(elevation)
    away = [math.cos(azimuth) * flat, math.sin(azimuth) * flat, math.sin(elevation)]
    position = aim + distance * np.array(away)
    position[2] = max(position[2], 0.8)
    look = aim - position
    focal = random.uniform(1.6, 2.8) * distance
    yaw, pitch = math.atan2(look[1], look[0]), math.atan2(look[2], math.hypot(look[0], look[1]))
    return Frame(
        time=time,
        image=np.zeros((_SIZE[1], _SIZE[0], 3), np.uint8),
        pose=CameraPose(position, yaw, pitch, random.normal(0, 0.02)),
        lens=LensState(focal, distance, float(random.choice([2.8, 4, 5.6]))),
        sensor_mm=_SENSOR,
    )
