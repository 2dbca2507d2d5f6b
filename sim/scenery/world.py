"""The simulator's world: a scene's people as they truly are, and pictures of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cinempc.errors import CinempcError
from cinempc.rig.subject import SubjectEstimate
from sim.scenery import actors, gait
from sim.scenery.actors import Person
from sim.scenery.bodies.labels import JOINTS
from sim.scenery.quality import Quality
from sim.scenery.scene import Scene

if TYPE_CHECKING:
    from sim.scenery.renderer import Renderer

Floats = NDArray[np.float64]

#: Joints that are COCO's keypoints from the shoulders down, in its order.
_LIMBS = tuple(
    f"{joint}_{side}"
    for joint in ("upperarm", "forearm", "hand", "thigh", "shin", "foot")
    for side in "lr"
)


class World:
    """A scene one can ask for its people and take pictures of. Frame ENU, m, s, rad.

    Example:
        >>> world = World(scene.load("plaza"))
        >>> hero = world.subjects(2.0)[0]
        >>> rgb, depth = world.render(2.0, [8, 0, 1.6], rotation, 35, (24.89, 14.0), (960, 540))

    Args:
        scene: what there is.
        seed: of textures, trees and idle movement; the same seed gives the same pictures.
        quality: how finely it is rendered.

    Raises:
        CinempcError: no OpenGL on this machine, with how to install it.
    """

    def __init__(self, scene: Scene, seed: int = 0, quality: Quality = Quality.STANDARD) -> None:
        self.scene = scene
        self.seed = seed
        self.people = actors.people(scene, seed)
        self.quality = quality
        self._renderer: Renderer | None = None

    def subjects(self, time: float) -> list[SubjectEstimate]:
        """Where the people truly are at a time, s, in the scene's order.

        ``position`` is the ground point between the feet; covariances are zero.
        """
        return [person.truth(time) for person in self.people]

    def subject(self, id: str, time: float) -> SubjectEstimate:
        """One person's truth.

        Raises:
            CinempcError: nobody of that id.
        """
        return self._person(id).truth(time)

    def pose(self, id: str, time: float) -> gait.Pose:
        """The joints of one person, world frame."""
        return self._person(id).pose(time)

    def shape(self, id: str, time: float) -> tuple[Floats, Floats]:
        """One person's surface (n, 3) and COCO's 17 keypoints (17, 3), world frame, m."""
        person = self._person(id)
        pose, figure = person.pose(time), person.figure
        surface, _ = figure.far.skin(figure.joints, pose.rotations, pose.positions, person.scale)
        head = JOINTS.index("head")
        face = person.scale * (figure.face - figure.joints[head]) @ pose.rotations[head].T
        limbs = pose.positions[[JOINTS.index(name) for name in _LIMBS]]
        return surface.astype(float), np.concatenate([face + pose.positions[head], limbs])

    def render(
        self,
        time: float,
        position: ArrayLike,
        rotation_world_from_camera: ArrayLike,
        focal_mm: float,
        sensor_mm: tuple[float, float],
        size: tuple[int, int],
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """A pinhole picture and its depth: see `sim.scenery.renderer.Renderer.render`."""
        if self._renderer is None:  # a world that nobody looks at needs no OpenGL
            from sim.scenery.renderer import Renderer

            self._renderer = Renderer(self.scene, self.people, self.quality, self.seed)
        return self._renderer.render(
            time, position, rotation_world_from_camera, focal_mm, sensor_mm, size
        )

    def close(self) -> None:
        """Give the graphics memory back."""
        if self._renderer is not None:
            self._renderer.close()

    def _person(self, id: str) -> Person:
        for person in self.people:
            if person.actor.id == id:
                return person
        known = ", ".join(person.actor.id for person in self.people) or "nobody"
        raise CinempcError(f"scene {self.scene.name!r} has nobody called {id!r} (there is {known})")
