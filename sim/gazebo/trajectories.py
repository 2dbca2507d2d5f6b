"""A scene's people as Gazebo moves them: the same paths and the same steps as in our simulator.

Gazebo plays two things along one clock, which starts ``delay_start`` after the world's: the way of
the actor through waypoints with times, and the animation of its skeleton with key frames at times.
Both are sampled here from `sim.scenery.path` and `sim.scenery.gait`, so that at every time body and
place are those of the embedded simulator. Between waypoints Gazebo's way is a Catmull-Rom spline
(gz-common, ``PoseAnimation``, tension 0), between key frames it turns bones along great circles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from sim.scenery.actors import Person
from sim.scenery.path import RAMP, Path

Floats = NDArray[np.float64]

#: Time between waypoints and between key frames, s.
WAYPOINT, KEY = 0.2, 0.0625
#: Time for which somebody who stands moves before the movement runs back, s.
IDLE = 40.0


@dataclass(frozen=True)
class ActorTrajectory:
    """The way of an actor, on its own clock.

    Attributes:
        delay: s after the action begins, when the clock starts; it stands as at 0 until then.
        loop: begins anew when it is over; else the actor stays as it is at the end.
        walk: the path, whose own time is ``began`` s when the clock starts.
        times: of the waypoints, (n,) s.
        way: (n, 3): east, north, m, and heading, rad, without jumps.
    """

    delay: float
    loop: bool
    walk: Path
    began: float
    times: Floats
    way: Floats

    @property
    def duration(self) -> float:
        """Until it is over or begins anew, s."""
        return float(self.times[-1])


@dataclass(frozen=True)
class Animation:
    """The movement of an actor's skeleton over its trajectory: ``keys`` (m,) s, and at each of them
    the joints' ``rotations`` (m, 21, 3, 3) and ``positions`` (m, 21, 3) m, in the actor's frame: on
    the ground under it, x where its path leads."""

    keys: Floats
    rotations: Floats
    positions: Floats


def trajectory(person: Person) -> ActorTrajectory:
    """An actor's whole walk, one round of it where it walks for ever, or its standing about.

    A round has the walk's speed from its first moment on, for it comes again and again: it begins
    half the ramp of the embedded simulator's walker later, so that from the ramp's end on both
    are at one place. In the ramp they are up to an eighth of ``RAMP`` times the speed apart.
    """
    path = person.path
    if path.length == 0:
        return _on_clock(path, 0.0, 0.0, 2 * IDLE, loop=True)
    if path.loop:
        lap = path.length / path.speed
        # A walker who has been under way for one round when the clock starts.
        steady = replace(path, start=-lap - RAMP / 2)
        return _on_clock(steady, 0.0, path.start + RAMP / 2, lap, loop=True)
    return _on_clock(path, path.start, path.start, _duration(path), loop=False)


def _on_clock(
    walk: Path, began: float, delay: float, duration: float, *, loop: bool
) -> ActorTrajectory:
    times = _grid(duration, WAYPOINT if walk.length > 0 else duration)
    way = np.array([_place(walk, began + time) for time in times])
    if loop:
        way[-1, :2] = way[0, :2]  # the spline closes where both are one
    return ActorTrajectory(delay, loop, walk, began, times, way)


def animation(person: Person, trajectory: ActorTrajectory) -> Animation:
    """The steps of an actor. Who stands moves for a while, and then the same way back."""
    if trajectory.walk.length > 0:
        keys = _grid(trajectory.duration, KEY)
        order = np.arange(len(keys))
    else:
        half = round(trajectory.duration / 2 / (2 * KEY))
        order = np.concatenate([np.arange(half + 1), np.arange(half)[::-1]])
        keys = np.asarray(2 * KEY * np.arange(len(order)), dtype=float)
    poses = [
        _pose(person, trajectory.walk, trajectory.began + time) for time in keys[: order.max() + 1]
    ]
    rotations = np.array([rotations for rotations, _ in poses])
    positions = np.array([positions for _, positions in poses])
    return Animation(keys, rotations[order], positions[order])


def _duration(path: Path) -> float:
    """Of a walk from standing to standing, s."""
    return path.length / path.speed + min(RAMP, path.length / path.speed)


def _grid(duration: float, step: float) -> Floats:
    """Even times from 0 to a duration, about a step apart; in whole milliseconds, as Gazebo has
    them."""
    count = max(2, round(duration / step) + 1)
    return np.asarray(np.linspace(0.0, duration, count).round(3), dtype=float)


def _place(path: Path, time: float) -> tuple[float, float, float]:
    distance, _ = path.walked(time)
    point, heading = path.at(distance)
    return float(point[0]), float(point[1]), heading


def _pose(person: Person, path: Path, time: float) -> tuple[Floats, Floats]:
    """Joint rotations and positions in the actor's frame."""
    posed = replace(person, path=path).pose(time)
    east, north, heading = _place(path, time)
    home = Rotation.from_euler("z", -heading).as_matrix()
    return home @ posed.rotations, (posed.positions - [east, north, 0.0]) @ home.T


def along(trajectory: ActorTrajectory, time: float) -> Floats:
    """East, north, m, and heading, rad, on an actor's own clock, as Gazebo plays it.

    Source: Catmull and Rom, *A class of local interpolating splines* (1974), on the waypoints as
    if they were evenly spaced; tangents at the ends as gz-math has them (``Spline``).
    """
    times, way = trajectory.times, trajectory.way
    if trajectory.loop:
        time = math.fmod(time, times[-1]) if time > 0 else 0.0
    time = min(max(time, 0.0), float(times[-1]))
    k = min(int(np.searchsorted(times, time, side="right")) - 1, len(times) - 2)
    t = (time - times[k]) / (times[k + 1] - times[k])
    here, there = way[k], way[k + 1]
    closed = bool(np.allclose(way[0, :2], way[-1, :2]))

    def tangent(index: int) -> Floats:
        if 0 < index < len(way) - 1:
            return np.asarray((way[index + 1] - way[index - 1]) / 2)
        if closed:
            turn = np.array([0.0, 0.0, way[-1, 2] - way[0, 2]])
            return np.asarray((way[1] + turn - way[-2]) / 2)
        return np.asarray((way[1] - way[0] if index == 0 else way[-1] - way[-2]) / 2)

    cubic = (2 * t**3 - 3 * t**2 + 1) * here + (3 * t**2 - 2 * t**3) * there
    slopes = (t**3 - 2 * t**2 + t) * tangent(k) + (t**3 - t**2) * tangent(k + 1)
    return np.asarray(cubic + slopes)
