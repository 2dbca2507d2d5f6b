"""Collages: pieces of training pictures, each around a person, set side by side.

Most of a rendered picture is background. A collage shows four times as many people in as many
pixels, so a network sees as many people in a fraction of the time; the rendered pictures keep
their share of background.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from perception.detect.detections import KEYPOINTS

Random = np.random.Generator

#: px, the sides of a collage.
SIDE = 384
#: px, a cell is not cut further below this.
_SMALLEST = 80
#: Share of a person's box that must be left for it to stay in the labels.
_LEFT = 0.12
#: Share of the cells that hold a close-up, in which the person is larger than the cell.
_CLOSE = 0.35
#: A label of the YOLO pose form: class, box (centre and size), keypoints (u, v, state).
_NUMBERS = 5 + 3 * len(KEYPOINTS)
#: The state of a keypoint that is not hidden.
_SEEN = 2
#: A person with fewer keypoints that show teaches little: not chosen, though kept where it is.
_FEWEST = 4


def make(
    folder: Path,
    source: Path,
    count: int,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write collages of a data set's pictures; those that are there stay.

    Args:
        folder: a data set, in which ``images/collage`` and ``labels/collage`` are made.
        source: its training pictures, a folder of ``images``.
        count: collages.
        seed: of the choice and the cuts.
        progress: called with collages done and collages in all.
    """
    images, labels = (folder / kind / "collage" for kind in ("images", "labels"))
    for path in (images, labels):
        path.mkdir(parents=True, exist_ok=True)
    files = sorted(source.glob("*.jpg"))
    marked = [(f, _people(folder / "labels" / source.name / f"{f.stem}.txt")) for f in files]
    chosen_people = [
        (file, people, k)
        for file, people in marked
        for k, person in enumerate(people)
        if (person[7::3] > 0).sum() >= _FEWEST
    ]
    if not chosen_people:
        return
    for number in range(count):
        target = labels / f"{number:05d}.txt"
        if not target.is_file():
            random = np.random.default_rng([seed, 7, number])
            image, people = collage(random, chosen_people)
            cv2.imwrite(str(images / f"{number:05d}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
            part = target.with_suffix(".part")
            part.write_text("".join(_line(person) for person in people))
            os.replace(part, target)
        progress(number + 1, count)


def collage(
    random: Random, chosen_people: list[tuple[Path, NDArray[np.float64], int]]
) -> tuple[NDArray[np.uint8], list[NDArray[np.float64]]]:
    """One collage.

    Args:
        random: draws the cells, the people and their scale.
        chosen_people: pictures, their labels (n, 56), and which of the people is to be shown.

    Returns:
        Picture (`SIDE`, `SIDE`, 3), BGR, and labels (56,) in shares of the picture.
    """
    canvas = np.zeros((SIDE, SIDE, 3), np.uint8)
    labels: list[NDArray[np.float64]] = []
    for left, top, wide, high in _cells(random, (0, 0, SIDE, SIDE), 0):
        file, people, chosen = chosen_people[random.integers(len(chosen_people))]
        image = cv2.imread(str(file))
        if image is None:
            raise OSError(f"{file} cannot be read: make the data set again")
        rows, columns = image.shape[:2]
        size = people[chosen][3:5] * [columns, rows]
        centre = people[chosen][1:3] * [columns, rows]
        # The person fills a good part of the cell, if that does not blow it up too much.
        fit = min(wide / size[0], high / size[1])
        bounds = (1.2, 2.5) if random.random() < _CLOSE else (0.35, 1.2)
        scale = np.clip(fit * np.exp(random.uniform(*np.log(bounds))), 0.2, 1.8)
        scale = max(scale, wide / columns, high / rows)
        cut = np.array([wide, high]) / scale
        room = np.maximum(np.abs(cut - size), 0.3 * cut)
        corner = centre - cut / 2 + random.uniform(-0.4, 0.4, 2) * room
        corner = np.clip(corner, 0, np.array([columns, rows]) - cut)
        matrix = np.array([[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]])
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        if scale < 0.7:  # an affine warp does not average
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=method)
            unit = np.array(image.shape[1::-1]) / [columns, rows]
            matrix = np.array([[1, 0, -unit[0] * corner[0]], [0, 1, -unit[1] * corner[1]]])
        canvas[top : top + high, left : left + wide] = cv2.warpAffine(
            image, matrix, (wide, high), borderMode=cv2.BORDER_REPLICATE
        )
        cell = np.array([left, top, left + wide, top + high], float)
        labels += _moved(people * 1.0, (columns, rows), corner, scale, cell)
    return canvas, labels


def _cells(
    random: Random, cell: tuple[int, int, int, int], depth: int
) -> list[tuple[int, int, int, int]]:
    """A rectangle cut into cells; a person is higher than wide, and so are most of them."""
    left, top, wide, high = cell
    across = wide > 0.75 * high * np.exp(random.normal(0, 0.35))
    length = wide if across else high
    if length < 2 * _SMALLEST or (depth and random.random() < 0.35):
        return [cell]
    at = round(length * random.uniform(0.35, 0.65))
    if across:
        halves = ((left, top, at, high), (left + at, top, wide - at, high))
    else:
        halves = ((left, top, wide, at), (left, top + at, wide, high - at))
    return [part for half in halves for part in _cells(random, half, depth + 1)]


def _moved(
    people: NDArray[np.float64],
    picture: tuple[int, int],
    corner: NDArray[np.float64],
    scale: float,
    cell: NDArray[np.float64],
) -> list[NDArray[np.float64]]:
    """Labels of a picture as they are in a cell of the collage."""
    moved = []
    origin = cell[:2]
    for person in people:
        half = person[3:5] / 2
        box = np.array([person[1:3] - half, person[1:3] + half]) * picture
        box = (box - corner) * scale + origin
        clipped = np.clip(box, cell[:2], cell[2:])
        before, after = np.prod(box[1] - box[0]), np.prod(clipped[1] - clipped[0])
        if after < _LEFT * before or (clipped[1] - clipped[0]).min() < 5:
            continue
        points = person[5:].reshape(-1, 3).copy()
        points[:, :2] = (points[:, :2] * picture - corner) * scale + origin
        inside = (points[:, 2] > 0) & (points[:, :2] >= cell[:2]).all(1)
        inside &= (points[:, :2] < cell[2:]).all(1)
        if not (points[inside, 2] == _SEEN).any():
            continue  # all of the person that the cell has left may be behind something
        points[~inside] = 0
        points[:, :2] /= SIDE
        middle, extent = clipped.mean(0) / SIDE, (clipped[1] - clipped[0]) / SIDE
        moved.append(np.concatenate([[person[0]], middle, extent, points.ravel()]))
    return moved


def _people(path: Path) -> NDArray[np.float64]:
    """Labels of a picture (n, 56)."""
    numbers = [float(n) for n in path.read_text().split()]
    return np.array(numbers).reshape(-1, _NUMBERS)


def _line(person: NDArray[np.float64]) -> str:
    return " ".join([f"{int(person[0])}", *(f"{n:.5g}" for n in person[1:])]) + "\n"
