"""A script by path or by name, its scene, and the folder of its takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cinempc import configs, documents
from cinempc.errors import CinempcError
from cinempc.rig.subject import SubjectEstimate
from cinempc.script import load as scripts
from cinempc.script.direction.director import Director
from cinempc.script.load import Script
from sim.scenery import actors, scene

if TYPE_CHECKING:
    from sim.scenery.scene import Scene

#: A script, or where it is: a path, or the name of a shipped one.
ScriptLike = Script | Path | str


def load_script(script: ScriptLike) -> Script:
    """A script by path or by the name of a shipped one; one that is loaded is given back.

    Raises:
        ConfigError: there is no such script, or it has mistakes.
    """
    if isinstance(script, Script):
        return script
    path = Path(script)
    return scripts.load(path if documents.is_file(path) else configs.find("scripts", str(script)))


def load_scene(script: Script, who: str = "a simulation") -> Scene:
    """The scene of a script.

    Args:
        script: that names it.
        who: needs it, for the message.

    Raises:
        CinempcError: the script names none.
    """
    if script.scene_path is None:
        raise CinempcError(f"{script.path}: {who} needs a scene: add 'scene: plaza'")
    return scene.load(str(script.scene_path))


def actors_of(script: Script) -> dict[str, str]:
    """The ids of the scene's actors, by subject name."""
    return {name: subject.actor or name for name, subject in script.config.subjects.items()}


def where_actors_are(scene: Scene) -> Callable[[str, float], SubjectEstimate]:
    """The true state of an actor by its id, at a time, s, with no picture of it."""
    ways = {actor.id: (actor, actors.way(actor)) for actor in scene.actors}

    def truth(id: str, time: float) -> SubjectEstimate:
        if id not in ways:
            raise CinempcError(
                f"scene {scene.name!r} has nobody called {id!r} (there is "
                f"{', '.join(ways) or 'nobody'})"
            )
        return actors.truth(*ways[id], time)

    return truth


def mark(script: Script, scene: Scene) -> tuple[NDArray[np.float64], float]:
    """The mark of a script: on the ground under the opening picture's camera, ENU m (3,), and the
    heading of a nose that points to its subject, rad.

    Raises:
        CinempcError: the scene has no such actor.
    """
    there = {actor.id: actors.truth(actor, actors.way(actor), 0.0) for actor in scene.actors}
    subjects = {}
    for name, actor in actors_of(script).items():
        if actor not in there:
            raise CinempcError(
                f"scene {scene.name!r} has nobody called {actor!r} (there is "
                f"{', '.join(there) or 'nobody'})"
            )
        subjects[name] = replace(there[actor], id=name)
    pose, _ = Director(script).opening(subjects)
    return pose.position * np.array([1.0, 1.0, 0.0]), pose.yaw


def take_folder(name: str, parent: str = "takes") -> Path:
    """A folder that is not there yet: ``takes/NAME-TIME``."""
    first = folder = Path(parent) / f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
    count = 1
    while folder.exists():  # several takes within one second
        count += 1
        folder = first.with_name(f"{first.name}-{count}")
    return folder
