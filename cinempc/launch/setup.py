"""A set-up's file: the parts that make it up, in order.

The shipped ones are in ``launch/`` of the checkout; `load` takes one of them by its name, or any
file. `docs/launch.md` describes the format.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from cinempc import configs, documents
from cinempc.errors import ConfigError
from cinempc.units import Seconds, shown

#: What in a command stands for the options of a simulated camera's pictures.
PICTURES = "{pictures}"


class Answer(configs.Config):
    """A command that is asked until its output matches."""

    command: str
    says: str = Field(description="A regular expression.")

    @field_validator("says")
    @classmethod
    def _sound(cls, pattern: str) -> str:
        return _expression(pattern)


class Ready(configs.Config):
    """When a part is ready: when all that is given has come; as soon as it runs if nothing is."""

    heartbeat: Literal["autopilot", "camera", "gimbal"] | None = Field(
        default=None, description="A MAVLink heartbeat of it, on the onboard link's port."
    )
    line: str | None = Field(
        default=None, description="A line in its log: a regular expression, anywhere in the line."
    )
    packet: str | None = Field(default=None, description="A datagram on this UDP port.")
    port: str | None = Field(default=None, description="This TCP port takes connections.")
    answer: Answer | None = None
    within: Seconds = Field(default=60.0, validate_default=False)

    @field_validator("line")
    @classmethod
    def _sound(cls, pattern: str | None) -> str | None:
        return None if pattern is None else _expression(pattern)


class Px4(configs.Config):
    """A PX4 in simulation, in place of a command: found where it is (see `sim.px4.find`)."""

    model: str = Field(description="PX4_SIM_MODEL, such as sihsim_quadx or gz_x500_gimbal.")
    autostart: int = Field(gt=0, description="PX4_SYS_AUTOSTART: the airframe's number.")
    parameters: dict[str, float] = Field(default={}, description="PX4 parameters to set.")


class PartConfig(configs.Config):
    """One process."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    about: str = Field(description="What it is, for people.")
    command: str | None = Field(
        default=None, description="As in a shell, without its features; {...} are filled in."
    )
    px4: Px4 | None = None
    gazebo: Literal["server", "window"] | None = Field(
        default=None, description="Gazebo with the script's scene and the vehicle in it."
    )
    ready: Ready = Ready()
    needs: dict[str, str] = Field(
        default={}, description="Programs that must be in the path: how to get each."
    )
    environment: dict[str, str] = Field(default={}, description="Variables; {...} are filled in.")
    grace: Seconds = Field(
        default=5.0, validate_default=False, description="For an orderly end after SIGINT."
    )
    main: bool = Field(
        default=False, description="The set-up ends when it ends, with its status; --no-fly is "
        "without it."
    )  # fmt: skip
    gui: bool = Field(default=False, description="Only with --gui.")

    @field_validator("command")
    @classmethod
    def _words(cls, command: str | None) -> str | None:
        try:
            if command is not None and not shlex.split(command):
                raise ValueError("it is empty")
        except ValueError as error:
            raise ValueError(f"is no command: {str(error).lower()}") from None
        return command

    @model_validator(mode="after")
    def _either(self) -> PartConfig:
        kinds = [kind for kind in ("command", "px4", "gazebo") if getattr(self, kind) is not None]
        if len(kinds) != 1:
            raise ValueError(
                f"has {' and '.join(kinds) or 'nothing to run'}: give a command, px4 or gazebo"
            )
        return self


class Setup(configs.Config):
    """Parts, in the order in which they start."""

    name: str
    about: str
    parts: tuple[PartConfig, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _sound(self) -> Setup:
        names = [part.name for part in self.parts]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two parts are called {twice[0]!r}: their logs would be one")
        if sum(part.main for part in self.parts) > 1:
            raise ValueError("has two main parts: the set-up ends with one")
        return self


def _expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return pattern


def root() -> Path:
    """The folder of the shipped set-ups, in a checkout or in an installed package."""
    package = Path(__file__).resolve().parent
    checkout = package.parent.parent / "launch"
    return checkout if (checkout / "embedded.yaml").is_file() else package


def names() -> list[str]:
    """The shipped set-ups."""
    return sorted(path.stem for path in root().glob("*.yaml"))


def find(name: str) -> Path:
    """A set-up's file, by the name of a shipped one or by path.

    Raises:
        ConfigError: there is none, with those that there are.
    """
    for candidate in (root() / f"{name}.yaml", Path(name)):
        if documents.is_file(candidate):
            return candidate
    raise ConfigError(
        f"no set-up called {shown(name)}{configs.suggest(name, names())} (there are "
        f"{', '.join(names())}; or give the path of a YAML file)"
    )


def load(name: str) -> Setup:
    """A set-up by the name of a shipped one or by path.

    Raises:
        ConfigError: no such set-up, or a mistake in its file.
    """
    return configs.load(find(name), Setup)


def fill(template: str, values: Mapping[str, str]) -> str:
    """A text with ``{name}`` replaced by values; ``{{`` and ``}}`` stand for braces.

    Raises:
        ConfigError: a name that there is not.
    """
    try:
        return template.format_map(values)
    except KeyError as error:
        name = str(error.args[0])
        raise ConfigError(
            f"{template!r}: nothing is called {{{name}}}{configs.suggest(name, list(values))} "
            f"(there are {', '.join(values)}; write braces twice to have them as they are)"
        ) from None
    except (ValueError, IndexError, AttributeError) as error:
        raise ConfigError(f"{template!r} cannot be filled in: {error}") from None


def words(command: str, values: Mapping[str, str]) -> list[str]:
    """A command's words, filled in: a value with spaces stays in its word, but ``{pictures}``
    alone stands for as many words as it holds."""
    filled_in = []
    for word in shlex.split(command):
        filled = fill(word, values)
        filled_in += shlex.split(filled) if word == PICTURES else [filled]
    return filled_in
