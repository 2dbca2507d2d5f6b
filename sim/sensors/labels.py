"""Ground truth for detectors: where each person is in a picture, and how much of it shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.rig.state import Frame
from sim.scenery.world import World

Floats = NDArray[np.float64]

_NEAREST = 0.25  # m, the nearest that the simulator draws
_THICK = 0.45  # m, deeper behind what the picture shows than a body is thick: something hides it
_SURFACE = 0.14  # m, how far a joint lies below the skin at most


@dataclass(frozen=True)
class Label:
    """One person in one picture.

    Attributes:
        id: the actor's.
        box: (4,) left, top, right, bottom of what shows, px, inside the picture.
        whole: (4,) the same of all the body, hidden and outside the picture too.
        keypoints: (17, 3) COCO's: u, v px and 2 where it shows, 1 where it is hidden, 0 where it
            lies outside the picture.
        shown: share of the body's surface points that nothing else hides and the picture holds.
        inside: share that lies inside the picture, hidden or not.
        range: from the camera to the body's middle, m.
    """

    id: str
    box: Floats
    whole: Floats
    keypoints: Floats
    shown: float
    inside: float
    range: float


def label(world: World, frame: Frame) -> list[Label]:
    """The people of a picture of which anything shows.

    Args:
        world: in which it was taken.
        frame: with the camera's true pose and with depth.

    Raises:
        ValueError: a frame without depth.
    """
    if frame.depth is None:
        raise ValueError("labels need the picture's depth")
    pose = frame.pose
    turn = frames.camera_rotation(pose.yaw, pose.pitch, pose.roll)
    labelled = []
    for person in world.people:
        surface, keypoints = world.shape(person.actor.id, frame.time)
        points = (surface - pose.position) @ turn
        if np.median(points[:, 2]) < 2 * _NEAREST:
            continue
        points = points[points[:, 2] > _NEAREST]
        pixels, within = _project(points, frame)
        if not within.any():
            continue
        seen = within.copy()
        seen[within] = points[within, 2] < _depths(pixels[within], frame.depth) + _THICK
        if not seen.any():
            continue
        joints = (keypoints - pose.position) @ turn
        uv, here = _project(np.maximum(joints, [-np.inf, -np.inf, _NEAREST]), frame)
        here &= joints[:, 2] > _NEAREST
        state = here.astype(float)
        state[here] += joints[here, 2] < _depths(uv[here], frame.depth) + _SURFACE
        height, width = frame.depth.shape
        labelled.append(
            Label(
                id=person.actor.id,
                box=np.clip(_bounds(pixels[seen]), 0, [width, height, width, height]),
                whole=_bounds(pixels),
                keypoints=np.column_stack([uv, state]),
                shown=float(seen.mean()),
                inside=float(within.mean()),
                range=float(np.linalg.norm(joints[11:13].mean(axis=0))),
            )
        )
    return labelled


def _project(points: Floats, frame: Frame) -> tuple[Floats, NDArray[np.bool_]]:
    """Pixels (n, 2) of points (n, 3) of the camera's frame, and which lie in the picture."""
    height, width = frame.image.shape[:2]
    focal = frame.lens.focal_length_mm / np.array(frame.sensor_mm) * [width, height]
    pixels = focal * points[:, :2] / points[:, 2:] + np.array([width, height]) / 2
    return pixels, np.all((pixels >= 0) & (pixels < [width, height]), axis=1)


def _depths(pixels: Floats, depth: NDArray[np.float32]) -> Floats:
    column, row = pixels.astype(int).T
    return np.asarray(depth[row, column], dtype=float)


def _bounds(pixels: Floats) -> Floats:
    return np.concatenate([pixels.min(axis=0), pixels.max(axis=0)])
