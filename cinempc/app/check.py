"""Checks a script without flying it: what it will ask of the rig, and what may not work."""

from __future__ import annotations

from dataclasses import dataclass

from cinempc.app.script import ScriptLike, actors_of, load_scene, load_script, where_actors_are
from cinempc.errors import CinempcError
from cinempc.script import check as checks
from cinempc.script.check import ShotSummary
from cinempc.script.check_fence import Whereabouts
from cinempc.script.load import Script


@dataclass(frozen=True)
class CheckResult:
    """A script that is sound: its shots as figures, and warnings about what may not work."""

    script: Script
    shots: tuple[ShotSummary, ...]
    warnings: tuple[str, ...]


def check(script: ScriptLike) -> CheckResult:
    """Validate a script, and work out what it asks.

    Args:
        script: a file, the name of a shipped one, or one that is loaded.

    Raises:
        ConfigError: with file, line and field of each mistake, all of them at once.
    """
    loaded = load_script(script)
    result = checks.check(loaded, _whereabouts(loaded))
    return CheckResult(loaded, result.shots, result.warnings)


def _whereabouts(script: Script) -> Whereabouts | None:
    """Where the subjects of the script's scene are; None where it has no scene, or they are not in
    it."""
    if script.scene_path is None:
        return None
    where, actors = where_actors_are(load_scene(script)), actors_of(script)
    try:
        for actor in actors.values():
            where(actor, 0.0)
    except CinempcError:
        return None
    return lambda name, time: where(actors[name], time)
