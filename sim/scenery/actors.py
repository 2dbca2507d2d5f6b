"""Where a scene's people truly are, with no picture of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinempc.rig.subject import SubjectEstimate
from sim.scenery import gait
from sim.scenery.bodies import body
from sim.scenery.bodies.body import Body
from sim.scenery.path import Path
from sim.scenery.scene import Actor, Scene

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Person:
    """An actor with its body and its way. ``seed`` makes people move differently."""

    actor: Actor
    figure: Body
    path: Path
    seed: int

    @classmethod
    def of(cls, actor: Actor, number: int, seed: int = 0) -> Person:
        """An actor by its place in its scene."""
        return cls(actor, body.load(actor.body), way(actor), seed * 1000 + number)

    @property
    def scale(self) -> float:
        """The actor's size over the body's."""
        return self.actor.height / self.figure.height

    @property
    def joints(self) -> Floats:
        """Neutral joint positions (21, 3), m, at the actor's size."""
        return self.scale * self.figure.joints

    def pose(self, time: float) -> gait.Pose:
        """The joints at a time, s, world frame."""
        return gait.pose(self.joints, self.actor.height, self.path, time, self.seed)

    def truth(self, time: float) -> SubjectEstimate:
        """Where the person is at a time, s: see `truth`."""
        return truth(self.actor, self.path, time)


def people(scene: Scene, seed: int = 0) -> list[Person]:
    """All of a scene, in its order; the seed makes them move differently."""
    return [Person.of(actor, number, seed) for number, actor in enumerate(scene.actors)]


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
