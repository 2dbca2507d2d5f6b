"""A take in the embedded simulator: world, vehicle, camera, perception and controller together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from cinempc.app import perception
from cinempc.app.options.takes import FilmOptions
from cinempc.app.perception import PerceptionKind
from cinempc.app.script import actors_of, load_scene, where_actors_are
from cinempc.mpc.controller import Controller, Settings
from cinempc.rig.protocols import Perception
from cinempc.script.direction.director import Director
from cinempc.script.load import Script
from cinempc.take.loop import GroundTruth, Production
from sim.embedded import EmbeddedEye, EmbeddedRig
from sim.scenery.scene import Scene
from sim.sensors.perception import TruthPerception


@contextmanager
def production(script: Script, options: FilmOptions) -> Iterator[Production]:
    """All that a take of a script needs, the vehicle hovering on its mark.

    Without pictures nothing of the world is built but where its actors walk.

    Raises:
        CinempcError: the script has no scene, or this machine cannot render.
    """
    scene = load_scene(script, "the embedded simulator")
    actor_ids, where = actors_of(script), where_actors_are(scene)
    truth = TruthPerception(actor_ids, where)
    director = Director(script)
    pose, lens = director.opening({s.id: s for s in truth.subjects(0.0)})
    rig = EmbeddedRig(script.vehicle, script.camera, pose, lens, wind=scene.wind, seed=options.seed)
    subjects: Perception = truth
    if options.kind is PerceptionKind.simulated:
        heights = {name: subject.height for name, subject in script.config.subjects.items()}
        subjects = perception.simulated(
            actor_ids, where, lambda time: rig.true_pose(), heights, seed=options.seed
        )
    elif options.kind is PerceptionKind.yolo:
        subjects = perception.yolo(script, options.weights, options.depth)
    with ExitStack() as ends:
        eye = EmbeddedEye(rig) if not options.pictures else _eye(rig, scene, options, ends)
        yield Production(
            rig=rig,
            eye=eye,
            perception=subjects,
            # The simulator waits for the controller: a slow machine shows in the figures, it does
            # not change the take.
            controller=Controller(
                script.camera,
                script.vehicle,
                script.safety,
                Settings(solver=options.solver.value, deadline=math.inf),
            ),
            director=director,
            frame_rate=script.camera.picture.frame_rate,
            standby=options.standby,
            truth=GroundTruth(
                subjects=lambda time: tuple(truth.subjects(time)),
                camera=lambda time: rig.true_pose(),
            ),
        )


def _eye(rig: EmbeddedRig, scene: Scene, options: FilmOptions, ends: ExitStack) -> EmbeddedEye:
    """A camera that takes pictures of the scene."""
    from sim.scenery.world import World
    from sim.sensors.camera import SimCamera
    from sim.sensors.depth import DepthCamera

    seed = options.seed
    world = World(scene, seed, options.quality)
    ends.callback(world.close)
    return EmbeddedEye(rig, SimCamera(world, rig.camera, seed=seed), DepthCamera(seed=seed))
