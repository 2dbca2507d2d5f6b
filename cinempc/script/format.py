"""The fields of a script file, as the director writes them; see ``docs/scripts.md``.

A script names its camera, vehicle, scene and subjects, then its shots in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from cinempc import configs
from cinempc.script.framing.fields import FieldPath, ShotFields
from cinempc.script.framing.region import ClassField, PlaceField, RegionField
from cinempc.script.moves import registry
from cinempc.units import Metres

if TYPE_CHECKING:
    from cinempc.script.moves.move import Move as AnyMove
else:
    AnyMove = registry.union(registry.MOVES.values())


class SubjectConfig(configs.Config):
    """Who is filmed: an actor of the scene, and how a detector on a real set finds it."""

    actor: str | None = Field(default=None, description="Its id in the scene.")
    category: ClassField = Field(default="person", alias="class", description="What it is.")
    look: str | None = Field(default=None, description='Class and colours: "person in red".')
    region: RegionField | None = Field(
        default=None, description="Where in the picture it is when it is first looked for."
    )
    near: PlaceField | None = Field(
        default=None, description="The nearest to this place, [east, north(, up)], m."
    )
    height: Metres = Field(default=1.75, validate_default=False)


class ShotConfig(ShotFields):
    """A shot: what moves in it, and the fields that every move has."""

    move: AnyMove

    def named_subjects(self) -> Iterator[tuple[str, FieldPath]]:
        """Every subject that the shot names, and where."""
        yield self.framing.subject, ("framing", "subject")
        for k, name in enumerate(self.framing.keep_in_frame):
            yield name, ("framing", "keep_in_frame", k)
        if self.focus.on is not None:
            yield self.focus.on, ("focus", "on")
        for k, name in enumerate(self.focus.sharp):
            yield name, ("focus", "sharp", k)
        for k, name in enumerate(self.focus.soft):
            yield name, ("focus", "soft", k)
        yield from self.move.named_subjects()


class ScriptConfig(configs.Config):
    """The file's fields."""

    name: str
    camera: str
    vehicle: str
    scene: str | None = None
    safety: str = "default"
    subjects: dict[str, SubjectConfig]
    shots: tuple[ShotConfig, ...]

    @model_validator(mode="after")
    def _not_empty(self) -> ScriptConfig:
        if not self.subjects or not self.shots:
            raise ValueError("a script needs at least one subject and one shot")
        return self
