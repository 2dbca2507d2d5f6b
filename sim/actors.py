"""Where a scene's people truly are, with no picture of them."""

from __future__ import annotations

import numpy as np

from cinempc.subject import SubjectEstimate
from sim.path import Path
from sim.scene import Actor


def way(actor: Actor) -> Path:
    """The way that an actor walks."""
    return Path.through(
        actor.waypoints,
        actor.speed,
        start=actor.start,
        loop=actor.loop,
        heading=actor.heading,
    )


def truth(actor: Actor, path: Path, time: float) -> SubjectEstimate:
    """An actor on its way at a time, s.

    ``position`` is the ground point between the feet; covariances are zero.
    """
    distance, speed = path.walked(time)
    point, heading = path.at(distance)
    ahead = np.array([np.cos(heading), np.sin(heading), 0.0])
    return SubjectEstimate(
        id=actor.id,
        time=time,
        position=np.array([point[0], point[1], 0.0]),
        velocity=speed * ahead,
        heading=float((heading + np.pi) % (2 * np.pi) - np.pi),
        height=actor.height,
        width=0.28 * actor.height,
    )
