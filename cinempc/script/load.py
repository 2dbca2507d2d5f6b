"""The script: what a director writes, read and checked once, with everything that it names.

All mistakes of a file are reported together, with file, line, field and what is allowed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cinempc import configs, documents
from cinempc.errors import ConfigError, ConfigErrors
from cinempc.rig import camera, vehicle
from cinempc.safety import limits as safety
from cinempc.script import rules
from cinempc.script.format import ScriptConfig, ShotConfig, SubjectConfig


@dataclass(frozen=True)
class Script:
    """A script with everything that it names."""

    path: Path
    text: str
    config: ScriptConfig
    camera: camera.Camera
    vehicle: vehicle.Vehicle
    safety: safety.Safety
    scene_path: Path | None

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects' names."""
        return tuple(self.config.subjects)


def load(path: Path) -> Script:
    """Read a script and all that it names, and check that they go together.

    Raises:
        ConfigError: with file, line and field of each mistake, all of them at once.
    """
    data = documents.read(path)
    if not isinstance(data, dict):
        raise ConfigError("a script holds fields, such as 'name: ...'", path=path, line=1)
    config: ScriptConfig | None = None
    mistakes: list[ConfigError] = []
    try:
        config = ScriptConfig.model_validate(data)
        subjects, shots = config.subjects, dict(enumerate(config.shots))
    except ValidationError as error:
        explained = configs.explain(error, data, path, ScriptConfig)
        mistakes += explained.errors if isinstance(explained, ConfigErrors) else [explained]
        subjects, shots = _readable(data)

    def at(what: str, *location: str | int) -> ConfigError:
        return ConfigError(
            what,
            path=path,
            line=configs.line_of(data, location),
            field=".".join(str(part) for part in location),
        )

    def named_file(kind: str, read: Callable[[str, Path], Any]) -> Any:
        name = data.get(kind, ScriptConfig.model_fields[kind].default)
        if not isinstance(name, str):
            return None
        try:
            return read(name, path)
        except ConfigErrors as error:
            mistakes.extend(error.errors)
        except ConfigError as error:
            mistakes.append(at(error.what, kind) if error.path == path else error)
        return None

    body = named_file("camera", camera.load)
    craft = named_file("vehicle", vehicle.load)
    limits = named_file("safety", safety.load)
    scene = named_file("scene", lambda name, near: configs.find("scenes", name, near))
    actors = None if scene is None else named_file("scene", lambda name, near: _actors(scene))
    for what, where in rules.mistakes(subjects, shots, body, craft, actors):
        mistakes.append(at(what, *where))
    if config is None or mistakes:
        mistakes.sort(key=lambda mistake: (str(mistake.path), mistake.line or 0))
        raise mistakes[0] if len(mistakes) == 1 else ConfigErrors(mistakes)
    return Script(path, documents.text(path), config, body, craft, limits, scene)


def _readable(data: dict[str, Any]) -> tuple[dict[str, SubjectConfig], dict[int, ShotConfig]]:
    """The subjects and shots of a faulty script that are sound by themselves. A faulty subject is
    there by its name, so that it does not count as unknown as well."""
    subjects, shots = {}, {}
    written = data.get("subjects")
    for name, item in written.items() if isinstance(written, dict) else ():
        try:
            subjects[str(name)] = SubjectConfig.model_validate(item)
        except ValidationError:
            subjects[str(name)] = SubjectConfig()
    listed = data.get("shots")
    for i, item in enumerate(listed if isinstance(listed, list) else ()):
        with suppress(ValidationError):
            shots[i] = ShotConfig.model_validate(item)
    return subjects, shots


def _actors(scene: Path) -> list[str]:
    """The ids of a scene's actors. The rest of the scene is the simulator's to read."""
    data = documents.read(scene)
    actors = data.get("actors", []) if isinstance(data, dict) else []
    return [str(actor["id"]) for actor in actors if isinstance(actor, dict) and "id" in actor]
