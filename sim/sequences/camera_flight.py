"""The camera's flight in a sequence: drawn at random, within what a sequence promises."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cinempc import frames
from cinempc.rig import camera as cameras
from cinempc.rig.camera import LensState
from cinempc.rig.state import CameraPose
from sim.sequences.walkers import RATE

Floats = NDArray[np.float64]
Random = np.random.Generator

#: With which all sequences are taken: Super 35, 24-120 mm.
CAMERA = "super35_zoom"


def draw_flight(
    random: Random, ways: Floats, hero: int, height: float, times: Floats, past: bool
) -> tuple[Floats, Floats, Floats, Floats] | None:
    """A flight that keeps the distances, speeds and sizes that `walk` promises; None if this draw
    does not.

    Returns:
        The camera's places (n, 3) m, its aim (n, 3) m, focal lengths (n,) mm, and by how much the
        aim lies beside the picture's middle (n, 2), shares of width and height.
    """
    followed = smooth(ways[hero], 1.0)
    if past:
        angle = random.uniform(0, 2 * math.pi)
        along = np.array([math.cos(angle), math.sin(angle)])
        beside = np.array([-along[1], along[0]]) * random.uniform(6, 14)
        reach = random.uniform(8, 24) * np.sin(math.pi * (times / times[-1] - 0.5))
        ground = followed.mean(axis=0) + beside + reach[:, None] * along
    else:
        low, high = random.uniform(5.5, 9), random.uniform(15, 28)
        swing = 0.5 + 0.5 * sine(random, times, 12, 22)
        radius = np.exp(math.log(low) + swing * math.log(high / low))
        turn = random.choice([-1, 1]) * random.uniform(0.1, 0.3)
        angles = random.uniform(0, 2 * math.pi) + turn * times
        ground = followed + radius[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    low, high = random.uniform(1.5, 2.2), random.uniform(3, 8)
    up = low + (high - low) * (0.5 + 0.5 * sine(random, times, 9, 18))
    place = np.column_stack([ground, up])
    speed = np.linalg.norm(np.diff(place, axis=0), axis=1) * RATE
    offset = np.column_stack([ways[hero] - ground, 0.5 * height - up])
    distance = np.linalg.norm(offset, axis=1)
    others = np.linalg.norm(ways - ground, axis=2)
    if speed.max() > 6 or distance.min() < 5.2 or distance.max() > 29.5 or others.min() < 4:
        return None
    level = np.hypot(offset[:, 0], offset[:, 1]) / distance  # foreshortens a standing body
    if level.min() < 0.7:
        return None
    small, large = random.uniform(0.18, 0.28), random.uniform(0.65, 0.92)
    swing = 0.5 + 0.5 * sine(random, times, 8, 16)
    share = np.exp(math.log(small) + swing * math.log(large / small))
    focal = np.clip(share * distance * 14.0 / (height * level), 24, 120)
    focal = np.exp(smooth(np.log(focal)[:, None], 0.5)[:, 0])
    share = focal * height * level / distance / 14.0
    if share.min() < 0.16 or share.max() > 0.97 or focal.max() < 2 * focal.min():
        return None
    aim = np.column_stack([smooth(ways[hero], 0.3), np.full_like(times, 0.52 * height)])
    loose = 0.02 + 0.16 * (1 - share)
    wander = np.column_stack(
        [
            (0.05 + 0.5 * loose) * (sine(random, times, 5, 11) + 0.4 * sine(random, times, 2, 4)),
            loose * sine(random, times, 5, 11),
        ]
    )
    return place, aim, focal, wander


def flight(
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


def sine(random: Random, times: Floats, shortest: float, longest: float) -> Floats:
    """A sine (n,) of a period between these, s, and any phase."""
    period = random.uniform(shortest, longest)
    return np.asarray(np.sin(2 * math.pi * (times / period + random.uniform())))


def smooth(values: Floats, width: float) -> Floats:
    """Columns (n, k) smoothed by a Gaussian of a standard deviation, s."""
    reach = math.ceil(3 * width * RATE)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / RATE / width) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="reflect", reflect_type="odd")
    return np.column_stack([np.convolve(column, kernel, mode="valid") for column in padded.T])
