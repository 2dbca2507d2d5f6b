"""The data set: rendered pictures and labels in the form that ultralytics trains on.

One job is one scene with all its pictures; what is done stays done, so an interrupted run goes on
where it stopped. The seed of a scene is its split and number: the same data set every time, and
no scene, outfit or light of one split in another.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from ruamel.yaml import YAML

from perception.detect.detections import KEYPOINTS
from perception.training import collage
from sim.sensors.labels import Label

#: Left and right change places in a mirrored picture.
FLIPPED = tuple(
    KEYPOINTS.index(name.replace("left", "#").replace("right", "left").replace("#", "right"))
    for name in KEYPOINTS
)
_SPLITS = ("train", "val", "test")
#: px at the detector's scale: people lower than this are not asked for.
_LOWEST = 10.0
#: Share of a body that must show for the detector to be asked for it.
_SHOWN = 0.12


@dataclass(frozen=True)
class Plan:
    """How large a data set is.

    Attributes:
        train, val, test: scenes of each split.
        pictures: of each scene.
        collages: for each training scene.
        seed: of all of it.
    """

    train: int = 200
    val: int = 8
    test: int = 20
    pictures: int = 25
    collages: int = 45
    seed: int = 0


def make(
    folder: Path,
    plan: Plan,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    workers: int | None = None,
) -> Path:
    """Render a data set; what is there already is kept.

    Args:
        folder: where it goes.
        plan: its size.
        progress: what is being made, how many are done, how many in all.
        workers: processes; one per core if not given.

    Returns:
        The data set's ``data.yaml``.
    """
    jobs = [(split, n) for split in _SPLITS for n in range(getattr(plan, split))]
    for split in _SPLITS:
        for kind in ("images", "labels", "scenes"):
            (folder / kind / split).mkdir(parents=True, exist_ok=True)
    todo = [job for job in jobs if not _mark(folder, *job).is_file()]
    progress("rendering", len(jobs) - len(todo), len(jobs))
    # Spawned: a forked OpenGL context is of no use to the child.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers or os.cpu_count(), mp_context=context) as pool:
        running = [pool.submit(_render, folder, plan, *job) for job in todo]
        try:
            for count, job in enumerate(as_completed(running), len(jobs) - len(todo) + 1):
                job.result()
                progress("rendering", count, len(jobs))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    pictures = folder / "images" / "train"
    count = plan.train * plan.collages
    collage.make(folder, pictures, count, plan.seed, partial(progress, "assembling"))
    description = folder / "data.yaml"
    YAML().dump(
        {
            "path": str(folder.resolve()),
            **{split: f"images/{split}" for split in _SPLITS},
            "train": ["images/train", "images/collage"],
            "names": {0: "person"},
            "kpt_shape": [len(KEYPOINTS), 3],
            "flip_idx": list(FLIPPED),
        },
        description,
    )
    return description


def _mark(folder: Path, split: str, number: int) -> Path:
    return folder / "scenes" / split / f"{number:04d}.json"


def _render(folder: Path, plan: Plan, split: str, number: int) -> None:
    """All pictures of one scene."""
    from perception.training import scenes
    from sim.scenery.quality import Quality
    from sim.scenery.world import World

    cv2.setNumThreads(1)
    random = np.random.default_rng([plan.seed, _SPLITS.index(split), number])
    scene = scenes.scene(random, f"{split} {number}")
    world = World(scene, int(random.integers(1 << 30)), Quality.FINAL)
    truths = []
    try:
        for k in range(plan.pictures):
            picture = scenes.photograph(world, random, square=split != "test")
            name = f"{number:04d}_{k:02d}"
            high, wide = picture.image.shape[:2]
            unit = wide / (320 if split != "test" else scenes.ACROSS)
            asked = [person for person in picture.people if is_labelled(person, unit)]
            lines = [_line(person, wide, high) for person in asked]
            cv2.imwrite(
                str(folder / "images" / split / f"{name}.jpg"),
                picture.image[:, :, ::-1],
                [cv2.IMWRITE_JPEG_QUALITY, 95],
            )
            (folder / "labels" / split / f"{name}.txt").write_text("".join(lines))
            truths.append({"picture": name, "people": [_truth(p, unit) for p in picture.people]})
    finally:
        world.close()
    _mark(folder, split, number).write_text(json.dumps({"pictures": truths}))


def is_labelled(person: Label, unit: float = 1.0) -> bool:
    """Whether a detector must find a person: enough of it shows.

    Args:
        person: as it is in the picture.
        unit: px of the picture per px at the detector's scale.
    """
    height = (person.box[3] - person.box[1]) / unit
    return bool(person.shown >= _SHOWN and height >= _LOWEST)


def _line(person: Label, wide: int, high: int) -> str:
    left, top, right, bottom = person.box / [wide, high, wide, high]
    numbers = [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]
    for u, v, state in person.keypoints:
        numbers += [u / wide, v / high, state] if state else [0, 0, 0]
    return " ".join(["0", *(f"{n:.5g}" for n in numbers)]) + "\n"


def _truth(person: Label, unit: float) -> dict[str, object]:
    return {
        "box": person.box.round(2).tolist(),
        "keypoints": person.keypoints.round(2).tolist(),
        "shown": round(person.shown, 3),
        "range": round(person.range, 2),
        "wanted": is_labelled(person, unit),
    }
